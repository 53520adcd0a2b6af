"""The report in a real browser (skipped without Chromium): it loads nothing, complains about nothing, fits a phone."""

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from roarm_lab.evaluation.evaluate import evaluate
from roarm_lab.view.report import write_report
from roarm_lab.view.report_media import record_media
from tests.view.chromium import CHROMIUM, WAIT_S, WEBGL_FLAGS, Chromium
from tests.view.run_folder_fixture import write_run
from tests.view.show_fixture import short, wave

PHONE_PX = 360
DESK_PX = 1100
DARK = 60  # of 255: the paper of the dark theme is below, that of the light one far above
COLOURS = 300  # an empty frame, or text alone, has fewer; an arm on its table measured 550 and more
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


def wait_until_drawn(browser: Chromium) -> None:
    """Wait until the replay's middle is full of colours; the page around it can not look inside."""
    end_s = time.monotonic() + WAIT_S
    while True:
        picture = Image.open(io.BytesIO(base64.b64decode(browser.call("Page.captureScreenshot")["data"])))
        part = picture.convert("RGB").crop((60, 150, min(picture.width, 600) - 60, 350))
        if len(part.getcolors(part.width * part.height) or []) > COLOURS:
            return
        assert time.monotonic() < end_s, "the replay in the report was not drawn"
        time.sleep(0.1)


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_pictures_and_replay_are_drawn_without_requests_or_complaints(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, width: int
) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: the report was not opened in a browser")
    config = short()
    watched = record_media(wave, config, evaluate(wave, config, episodes=4, seed=0))
    path = write_report(write_run(tmp_path / "run"), watched=watched)
    with Chromium(tmp_path_factory.mktemp("profile"), WEBGL_FLAGS) as chromium:
        chromium.open(path, width=width)
        chromium.value("document.querySelector('.replay').scrollIntoView()")
        wait_until_drawn(chromium)
        assert chromium.value("document.documentElement.scrollWidth") <= width
        loaded = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
        assert chromium.value(loaded)
        assert chromium.value("document.images.length") == (0 if watched.trouble else 20)
        assert [url for url in chromium.requests if not url.startswith("data:")] == [path.resolve().as_uri()]
        assert chromium.complaints == []
