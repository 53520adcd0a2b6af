"""The report in a real browser (skipped without Chromium): it loads nothing, complains about nothing, fits a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roarm_lab.view.report import write_report
from tests.view.a_run import write_run
from tests.view.chromium import CHROMIUM, Chromium

PHONE_PX = 360
DESK_PX = 1100
DARK = 60  # of 255: the paper of the dark theme is below, that of the light one far above
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: the report was not opened in a browser")
    with Chromium(tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium


def test_the_browser_of_these_tests_notices_requests_and_complaints(browser: Chromium, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<img src='http://roarm.invalid/a.png'><script>console.error('no')</script>")
    browser.open(path)
    assert "http://roarm.invalid/a.png" in browser.requests
    assert any("no" in complaint for complaint in browser.complaints)


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_opens_without_requests_or_complaints_and_fits(
    browser: Chromium, tmp_path: Path, width: int, dark: bool
) -> None:
    path = write_report(write_run(tmp_path / "run"))
    browser.open(path, width=width, dark=dark)
    browser.value("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert browser.value("document.querySelector('.rate').innerText") == "96.9\u00a0%"
    assert browser.value("document.documentElement.scrollWidth") <= width  # nothing sticks out at the right
    paper = browser.value("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
    assert (max(paper) < DARK) == dark
    picture = browser.screenshot()
    assert picture.startswith(PNG)
    (tmp_path / "report.png").write_bytes(picture)
    assert browser.requests == [path.resolve().as_uri()]
    assert browser.complaints == []


def test_a_run_without_results_opens_too(browser: Chromium, tmp_path: Path) -> None:
    path = write_report(write_run(tmp_path / "run", interface=None, evaluation=None, arm_run=None, curve=None))
    browser.open(path)
    assert "no answer yet" in browser.value("document.body.innerText")
    assert browser.complaints == []


def test_the_curve_rises_from_the_left_to_the_right_of_its_frame(browser: Chromium, tmp_path: Path) -> None:
    browser.open(write_report(write_run(tmp_path / "run")))
    left, top, right, bottom = browser.value(
        "(box => [box.left, box.top, box.right, box.bottom])"
        "(document.querySelector('.large .plot').getBoundingClientRect())"
    )
    (begin_x, begin_y), (end_x, end_y) = browser.value(
        "(line => [0, line.getTotalLength()]"
        ".map(at => line.getPointAtLength(at).matrixTransform(line.getScreenCTM())).map(spot => [spot.x, spot.y]))"
        "(document.querySelector('.large path'))"
    )
    # Success begins in the third of 92 rollouts with 2 % and ends with 95 %.
    assert begin_x == pytest.approx(left + (right - left) * 3 / 92, abs=1.0)
    assert end_x == pytest.approx(right, abs=1.0)
    assert bottom - 0.05 * (bottom - top) < begin_y <= bottom
    assert top < end_y < top + 0.1 * (bottom - top)
