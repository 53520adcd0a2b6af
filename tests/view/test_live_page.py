"""The live page of a policy: real time, and the buttons do what they say."""

import base64
import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roarm_lab.view import live_page
from roarm_lab.view.live_page import LOOK_S, LivePage
from roarm_lab.view.serving import Server, address, serving
from roarm_lab.view.show import PolicyShow
from tests.view.chromium import CHROMIUM, WEBGL_FLAGS, Chromium
from tests.view.show_fixture import policy_show, still, wave

WAIT_S = 120.0  # only a test that fails waits this long


class SimulatedTime:
    """Stands in for the module `time`: what sleeps makes its time pass, and nothing else does."""

    def __init__(self) -> None:
        self.now_s, self.naps = 100.0, 0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.naps += 1
        time.sleep(0.0)  # lets other threads go on


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("127.0.0.1", 0, "test") as server:
        yield server


def in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def shown(server: Server, played: PolicyShow) -> LivePage:
    return LivePage(server, played, "about")


def test_episodes_take_the_time_they_take(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimulatedTime()
    monkeypatch.setattr(live_page, "time", clock)
    with policy_show(still, within_m=10.0) as played:
        page = shown(server, played)
        began_s = clock.now_s
        page.run(2, once=True)
    assert clock.now_s - began_s == pytest.approx(2 * (1.0 + LOOK_S), abs=0.1)  # a picture more or less
    status, numbers, score = page.words
    assert status == "**Episode 2** of 2: ✓ success, done, and held for 1.00 s"
    assert "1.00 of 1 s" in numbers
    assert score == "2 of 2 succeeded"


def test_a_failure_is_called_one(server: Server) -> None:
    with policy_show(wave, within_m=1e-6, episode_s=0.4) as played:
        page = shown(server, played)
        page.run(1, once=True)
    assert page.words[0] == "**Episode 1** of 1: ✗ no success, never got there"
    assert page.words[2] == "0 of 1 succeeded"


def test_the_next_episode_comes_at_once_and_the_one_left_does_not_count(server: Server) -> None:
    with policy_show(still, within_m=10.0, episode_s=60.0) as played:
        page = shown(server, played)
        work = in_background(lambda: page.run(2, once=True))
        for number in (1, 2):
            wait_for(lambda number=number: f"Episode {number}**" in page.words[0])
            page.skip()
        work.join(timeout=WAIT_S)
        assert not work.is_alive()  # two minutes of episodes were left
    assert page.words[2] == "0 of 0 succeeded"


def test_a_pause_stops_the_time_until_it_goes_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimulatedTime()
    monkeypatch.setattr(live_page, "time", clock)
    with policy_show(still, within_m=10.0) as played:
        page = shown(server, played)
        page.pause(True)
        work = in_background(lambda: page.run(1, once=True))
        wait_for(lambda: clock.naps > 0)
        before, naps = page.words, clock.naps
        assert "Episode 1" in before[0]
        wait_for(lambda: clock.naps > naps + 100)
        assert page.words == before
        page.pause(False)
        work.join(timeout=WAIT_S)
        assert page.words[2] == "1 of 1 succeeded"


def test_without_a_browser_episodes_wait(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimulatedTime()
    monkeypatch.setattr(live_page, "time", clock)
    with policy_show(still) as played:
        page = shown(server, played)
        work = in_background(lambda: page.run(1, once=False))
        wait_for(lambda: clock.naps > 100)
        assert page.words[0] == "Waiting for the first episode."
        page.stop()
        work.join(timeout=WAIT_S)
        assert not work.is_alive()


@pytest.mark.slow
def test_a_browser_sees_the_arm_move_and_presses_pause(server: Server, tmp_path: Path) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: the live page was not opened in a browser")
    url = address("127.0.0.1", server.get_port())
    with policy_show(wave, episode_s=30.0) as played, Chromium(tmp_path / "profile", WEBGL_FLAGS) as browser:
        page = shown(server, played)
        work = in_background(lambda: page.run(1, once=False))
        browser.open(url, width=640, height=400)
        browser.wait_for("document.body.innerText.includes('Episode 1')")
        wait_for(lambda: len(colours(browser)) > 200)
        first = picture(browser)
        wait_for(lambda: bool(np.mean(np.any(picture(browser) != first, axis=2)) > 0.002))
        press = "[...document.querySelectorAll('button')].find(button => button.innerText === '{}').click()"
        browser.value(press.format("Pause"))
        browser.wait_for("document.body.innerText.includes('Go on')")
        wait_for(lambda: at_rest(page))
        page.stop()
        work.join(timeout=WAIT_S)
        assert not work.is_alive()
        assert not [asked for asked in browser.requests if not re.match(rf"{url}/|data:|blob:{url}/", asked)]


def picture(browser: Chromium) -> np.ndarray:
    """The left of the page, where the arm is and the controls are not."""
    raw = base64.b64decode(browser.call("Page.captureScreenshot")["data"])
    return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"))[100:, :300]


def colours(browser: Chromium) -> np.ndarray:
    return np.unique(picture(browser).reshape(-1, 3), axis=0)


def at_rest(page: LivePage) -> bool:
    before = page.words
    time.sleep(0.3)
    return page.words == before
