"""The replay in a real browser (skipped without Chromium): quiet, alone, playable, and drawn where a camera sees it."""

import io
from collections.abc import Iterator
from dataclasses import replace
from math import cos, sin
from pathlib import Path

import mujoco
import numpy as np
import pytest
from PIL import Image

from roarm_lab.evaluation.outcomes import Outcome
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.builder import scene_spec
from roarm_lab.sim.geometry import Geometry
from roarm_lab.view.replay import CAMERA, Replay, record, write_replay
from roarm_lab.view.show import Moment
from tests.view.chromium import CHROMIUM, WEBGL_FLAGS, Chromium
from tests.view.show_fixture import policy_show, still

PHONE_PX, DESK_PX = 360, 1100
SMALL = {"width": 760, "height": 480}  # drawn in software: every pixel counts
NEAR_PX = 3.0  # the middle of a cube's pixels: perspective, and sides of different brightness
HALF_LENS = 0.33  # rad: half the vertical opening angle, as in replay_scene.js
DARK = 60


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: the replay was not opened in a browser")
    with Chromium(tmp_path_factory.mktemp("profile"), WEBGL_FLAGS) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four episodes of which the second and fourth succeed."""
    with policy_show() as played:
        replay = record(played, 4, title="Reach with the arm", about="a test")
    episodes = [[*moments[:-1], replace(moments[-1], outcome=Outcome(i % 2 == 1, f"as it went {i}"))]
                for i, moments in enumerate(replay.episodes)]  # fmt: skip
    return write_replay(replace(replay, episodes=episodes), tmp_path_factory.mktemp("replay") / "replay.html")


def text_of(browser: Chromium, name: str) -> str:
    return browser.value(f"document.getElementById('{name}').textContent")


def pixels(browser: Chromium) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(browser.screenshot())).convert("RGB")).astype(int)


def stage_box(browser: Chromium) -> tuple[float, float, float, float]:
    box = (
        "(box => [box.left, box.top, box.width, box.height])(document.getElementById('scene').getBoundingClientRect())"
    )
    left, top, width, height = browser.value(box)
    return left, top, width, height


def stop(browser: Chromium) -> None:
    if browser.value("document.body.classList.contains('playing')"):
        browser.press(" ")


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_opens_without_requests_or_complaints_and_fits(
    browser: Chromium, page: Path, width: int, dark: bool
) -> None:
    browser.open(page, width=width, height=780, dark=dark)
    browser.wait_for("document.documentElement.dataset.ready === 'true'")
    picture = pixels(browser)
    assert browser.value("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
        width,
        780,
    ]
    left, top, across, down = (round(value) for value in stage_box(browser))
    assert down > 250  # the arm keeps most of the screen, on a phone too
    scene = picture[top : top + down, left : left + across]
    assert (scene[down // 2 - down // 2 + 4, -4].max() < DARK) == dark  # the background follows the theme
    assert len(np.unique(scene.reshape(-1, 3), axis=0)) > 500  # something is drawn: light and shade
    assert browser.requests == [page.resolve().as_uri()]
    assert browser.complaints == []


def test_it_plays_by_itself_and_stops_on_demand(browser: Chromium, page: Path) -> None:
    browser.open(page, **SMALL)
    browser.wait_for("Number(document.getElementById('slider').value) > 2")
    browser.press(" ")
    still_at = browser.value("document.getElementById('slider').value")
    assert browser.value("document.getElementById('play').getAttribute('aria-label')") == "Play"
    browser.wait_for_pictures(3)
    assert browser.value("document.getElementById('slider').value") == still_at


def test_episodes_are_chosen_by_button_and_key_and_say_how_they_ended(browser: Chromium, page: Path) -> None:
    browser.open(page, **SMALL)
    marks = browser.value("[...document.querySelectorAll('#episodes button')].map(button => button.textContent)")
    assert marks == ["1 ✗", "2 ✓", "3 ✗", "4 ✓"]
    browser.value("document.querySelectorAll('#episodes button')[2].click()")
    assert (text_of(browser, "number"), text_of(browser, "outcome")) == ("Episode 3 of 4", "✗ as it went 2")
    browser.press("ArrowDown")
    assert (text_of(browser, "number"), text_of(browser, "outcome")) == ("Episode 4 of 4", "✓ as it went 3")
    assert browser.value("document.querySelector('[aria-current]').textContent") == "4 ✓"
    browser.press("ArrowUp")
    assert text_of(browser, "number") == "Episode 3 of 4"


def test_after_the_last_episode_it_stops_and_begins_again_when_asked(browser: Chromium, page: Path) -> None:
    browser.open(page, **SMALL)
    browser.value("document.querySelectorAll('#episodes button')[3].click()")
    browser.press("End")
    browser.press(" ")  # from the end of the last: the first again
    assert text_of(browser, "number") == "Episode 1 of 4"
    browser.press("End")
    browser.press(" ")  # from the end of the first: the second
    assert text_of(browser, "number") == "Episode 2 of 4"


def test_the_slider_and_the_keys_move_through_time(browser: Chromium, page: Path) -> None:
    browser.open(page, **SMALL)
    stop(browser)
    slide = "(slider => { slider.value = 10; slider.dispatchEvent(new Event('input')) })"
    browser.value(f"{slide}(document.getElementById('slider'))")
    browser.wait_for("document.getElementById('time').textContent === '0.50 / 1.00 s'")
    before = pixels(browser)
    browser.press("ArrowRight")
    browser.wait_for("document.getElementById('time').textContent === '0.55 / 1.00 s'")
    browser.press("End")
    browser.wait_for("document.getElementById('time').textContent === '1.00 / 1.00 s'")
    assert np.any(pixels(browser) != before)
    browser.press("Home")
    browser.wait_for("document.getElementById('time').textContent === '0.00 / 1.00 s'")


BY_HAND = "window.pictures = []; window.requestAnimationFrame = draw => pictures.push(draw);"
"""Pictures are drawn when the test says so, at the time that it says: what drawing takes here does not count."""


@pytest.mark.parametrize(("key", "speed"), [("-", 0.5), ("", 1.0), ("+", 2.0)])
def test_speed_is_what_it_says(browser: Chromium, page: Path, key: str, speed: float) -> None:
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=BY_HAND)["identifier"]
    try:
        browser.open(page, **SMALL)
        stop(browser)
        browser.press("Home")
        for each in key:
            browser.press(each)
        assert browser.value("Number(document.getElementById('speed').value)") == speed
        for time_ms in (2000, None, 2016, 2033, 2250, 2300):  # at 60 Hz, and a late one
            browser.press(" ") if time_ms is None else browser.value(f"pictures.shift()({time_ms})")
        assert browser.value("Number(document.getElementById('slider').value) * 0.05") == pytest.approx(speed * 0.3)
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


def test_the_distance_shown_is_the_recorded_one(browser: Chromium, tmp_path: Path) -> None:
    with policy_show(still, within_m=10.0) as played:
        replay = record(played, 1, title="", about="")
    browser.open(write_replay(replay, tmp_path / "replay.html"), **SMALL)
    stop(browser)
    browser.press("End")
    browser.wait_for("document.getElementById('held').textContent === 'at the goal for 1.00 s'")
    assert text_of(browser, "distance") == f"{replay.episodes[0][-1].distance_m * 1e3:.1f} mm"


def magenta_cube(place_w: tuple[float, float, float]) -> Replay:
    spec = scene_spec(ROARM_M3, visuals=False)
    cube = spec.worldbody.add_body(name="cube")
    cube.add_freejoint(name="cube")
    cube.add_geom(name="cube", type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.02,) * 3, rgba=(1, 0, 1, 1))
    world = Geometry(spec.compile(), ROARM_M3)
    qpos = world.qpos(ROARM_M3.keyframe("home"))
    qpos[-7:-4] = place_w
    moment = Moment(time_s=0.0, qpos=qpos, markers={}, distance_m=0.1, held_s=0.0)
    return Replay(title="Cube", about="", geometry=world, dt_s=0.05, episodes=[[moment, moment]])


def seen_at(place_w: tuple[float, float, float], width: float, height: float) -> tuple[float, float]:
    """Pinhole, worked out from the camera's angles: where on the stage a point is seen [pixel]."""
    turn, tilt, target_w = CAMERA["turn"], CAMERA["tilt"], CAMERA["target"]
    back = np.array([cos(tilt) * cos(turn), cos(tilt) * sin(turn), sin(tilt)])
    right = np.array([-sin(turn), cos(turn), 0.0])
    offset = np.subtract(place_w, target_w + CAMERA["far"] * back)
    focal_px = height / 2 / np.tan(HALF_LENS) / max(1.0, height / width)
    depth = -offset @ back
    return width / 2 + focal_px * (offset @ right) / depth, height / 2 - focal_px * (
        offset @ np.cross(back, right)
    ) / depth


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
@pytest.mark.parametrize("place_w", [(0.3, 0.1, 0.02), (0.25, -0.2, 0.3)])
def test_things_are_drawn_where_the_camera_sees_them(
    browser: Chromium, tmp_path: Path, place_w: tuple[float, float, float], width: int
) -> None:
    browser.open(write_replay(magenta_cube(place_w), tmp_path / "cube.html"), width=width, height=780)
    browser.wait_for("document.documentElement.dataset.ready === 'true'")
    red, green, blue = pixels(browser).transpose(2, 0, 1)
    rows, columns = np.nonzero((red > green + 60) & (blue > green + 60))
    left, top, across, down = stage_box(browser)
    x, y = seen_at(place_w, across, down)
    assert np.hypot(columns.mean() + 0.5 - left - x, rows.mean() + 0.5 - top - y) < NEAR_PX


def test_a_larger_cube_is_drawn_larger_in_its_episode_alone(browser: Chromium, tmp_path: Path) -> None:
    one = magenta_cube((0.25, -0.1, 0.3))
    grown = [replace(moment, box_scale={"cube": 2.0}) for moment in one.episodes[0]]
    browser.open(write_replay(replace(one, episodes=[one.episodes[0], grown]), tmp_path / "cube.html"), **SMALL)
    stop(browser)
    areas: list[int] = []
    for number in (0, 1, 0):
        browser.value(f"document.getElementById('episodes').children[{number}].click() ?? 0")
        browser.wait_for(f"document.getElementById('number').textContent === 'Episode {number + 1} of 2'")
        browser.wait_for_pictures(2)
        red, green, blue = pixels(browser).transpose(2, 0, 1)
        areas.append(int(((red > green + 60) & (blue > green + 60)).sum()))
    assert areas[2] == areas[0]
    assert 3.0 < areas[1] / areas[0] < 5.0  # twice as long is four times the area


def test_dragging_turns_the_view_and_a_double_click_turns_it_back(browser: Chromium, page: Path) -> None:
    browser.open(page, **SMALL)
    stop(browser)
    browser.press("Home")
    browser.wait_for("document.getElementById('time').textContent === '0.00 / 1.00 s'")
    first = pixels(browser)
    left, top, across, down = stage_box(browser)
    x, y = left + across / 2, top + down / 2
    for kind, dx in (("mousePressed", 0.0), ("mouseMoved", 120.0), ("mouseReleased", 120.0)):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x + dx, y=y, button="left", buttons=1, clickCount=1)
    browser.wait_for_pictures(2)
    assert np.mean(np.any(pixels(browser) != first, axis=2)) > 0.1  # of all pixels
    browser.press("r")
    browser.wait_for_pictures(2)
    np.testing.assert_array_equal(pixels(browser), first)


def test_collision_shapes_and_the_path_can_be_switched(browser: Chromium, page: Path) -> None:
    browser.open(page, **SMALL)
    stop(browser)
    browser.press("End")
    browser.wait_for("document.getElementById('time').textContent === '1.00 / 1.00 s'")
    pictures = [pixels(browser)]
    for key in ("c", "p"):
        browser.press(key)
        browser.wait_for_pictures(2)
        pictures.append(pixels(browser))
    left, top, across, down = (round(value) for value in stage_box(browser))
    scenes = [picture[top : top + down, left : left + across] for picture in pictures]
    assert np.any(scenes[0] != scenes[1])
    assert np.any(scenes[1] != scenes[2])


def test_without_webgl_the_page_says_so(browser: Chromium, page: Path, tmp_path: Path) -> None:
    """A browser without WebGL, in effect: asking for it gives nothing."""
    head = "HTMLCanvasElement.prototype.getContext = () => null;"
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=head)["identifier"]
    try:
        browser.open(page, **SMALL)
        assert "This browser has no WebGL 2." in text_of(browser, "trouble")
        assert browser.complaints == []
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
