"""What a report shows of its policy: failures and a replay, or the reason why not."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from roarm_lab.core.errors import MissingError
from roarm_lab.evaluation.evaluate import Evaluation, evaluate
from roarm_lab.view.report import write_report
from roarm_lab.view.report_media import ReportMedia, record_media
from tests.view.run_folder_fixture import write_run
from tests.view.show_fixture import short, still, wave
from tests.view.test_report import Page

MAX_BYTES = 5_000_000  # the promise; measured 1.0 MB with four strips and 12 episodes
EVIL = "</iframe><script>alert(1)</script>"


def found_of(within_m: float, episodes: int = 6) -> Evaluation:
    return evaluate(wave, short(within_m), episodes=episodes, seed=0)


@pytest.fixture(scope="module")
def failed() -> ReportMedia:
    return record_media(wave, short(0.001), found_of(0.001))


def page_of(watched: ReportMedia, folder: Path) -> Page:
    return Page(write_report(write_run(folder / "run"), watched=watched))


def test_failures_and_replay_follow_the_tables(failed: ReportMedia, tmp_path: Path) -> None:
    if failed.trouble:
        pytest.skip(failed.trouble)
    page = page_of(failed, tmp_path)
    order = ["Settings and origin", "How it learned", "Success by start", "Why it failed", "Failures in pictures"]
    assert page.headings[2:8] == [*order, "Replay in 3D"]
    assert "Of 6 episodes of the evaluation, played again for this page, 6 failed. Here are 4 of them" in page.text
    images = [attrs for name, attrs in page.elements if name == "img"]
    assert len(images) == 20
    assert all(str(image["src"]).startswith("data:image/png;base64,") and image["alt"] for image in images)
    assert len(page.source) < MAX_BYTES


def test_the_replay_runs_alone_and_only_its_script_may(failed: ReportMedia, tmp_path: Path) -> None:
    page = page_of(failed, tmp_path)
    (frame,) = [attrs for name, attrs in page.elements if name == "iframe"]
    inner = str(frame["srcdoc"])
    assert frame["sandbox"] == "allow-scripts"
    assert "Episodes: 0 of 6 succeeded" in inner
    policies = [unescape(text) for text in re.findall(r'Content-Security-Policy" content="([^"]*)"', page.source)]
    hashes = [re.findall(r"script-src '(sha256-[^']+)'", policy) for policy in policies]
    assert hashes[0]
    assert hashes[0] == re.findall(r"script-src '(sha256-[^']+)'", unescape(inner))
    assert "://" not in page.source


def test_a_run_without_failures_says_so(tmp_path: Path) -> None:
    config = short(within_m=5.0)
    seen = record_media(still, config, evaluate(still, config, episodes=2, seed=0))
    page = page_of(seen, tmp_path)
    assert "Of 2 episodes of the evaluation, played again for this page, none failed" in page.text
    assert not [name for name, _ in page.elements if name == "img"]
    assert [name for name, _ in page.elements if name == "iframe"]


def test_another_number_of_failures_than_in_the_evaluation_is_said(tmp_path: Path) -> None:
    found = found_of(0.001)
    seen = record_media(wave, short(0.001), replace(found, successes=2))
    assert "6 failed (then 4: other versions, another machine or simulator)" in page_of(seen, tmp_path).text


def test_without_a_renderer_the_replay_is_there_and_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MissingError("Pictures can not be drawn here (no display).")

    monkeypatch.setattr("roarm_lab.view.filmstrips.Film", broken)
    page = page_of(record_media(wave, short(0.001), found_of(0.001)), tmp_path)
    assert "Pictures can not be drawn here (no display)." in page.text
    assert [name for name, _ in page.elements if name in ("img", "iframe")] == ["iframe"]


def test_what_stops_the_playing_is_said_as_text(tmp_path: Path) -> None:
    page = page_of(ReportMedia(trouble=EVIL), tmp_path)
    assert EVIL in page.text
    assert {name for name, _ in page.elements}.isdisjoint({"script", "iframe", "img"})
    assert "script-src" not in page.source
