"""A camera of the simulator keeps the promises of a real one, on the arm's clock."""

from collections.abc import Iterator

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError
from roarm_lab.robots.camera import Camera
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.sim.rendered_camera import RenderedCamera

SIZE_PX = (160, 120)


@pytest.fixture
def arm() -> Iterator[SimArm]:
    arm = SimArm(ROARM_M3, clock=SimulatedClock(50.0), config=SimConfig(boxes=(Box(name="cube"),)))
    yield arm
    arm.close()


def camera_of(arm: SimArm, name: str = "front", rate_hz: float = 10.0) -> RenderedCamera:
    try:
        return RenderedCamera(arm, name, size_px=SIZE_PX, rate_hz=rate_hz)
    except MissingError as error:
        pytest.skip(str(error))


def wait(arm: SimArm, seconds: float) -> None:
    arm.clock.sleep_until_s(arm.clock.now_s() + seconds)


def test_a_picture_is_new_only_when_a_cameras_would_be(arm: SimArm) -> None:
    camera: Camera = camera_of(arm)
    first = camera.read()
    assert (first.number, first.captured_at_s, first.rgb.shape) == (1, 50.0, (120, 160, 3))
    wait(arm, 0.05)
    assert camera.read() is first
    wait(arm, 0.06)
    second = camera.read()
    assert (second.number, second.dropped) == (2, 0)
    assert second.captured_at_s == pytest.approx(50.11)
    wait(arm, 1.0)
    assert camera.read().number == 3  # nobody asked for those in between, so none were lost


def test_it_sees_what_happens_and_a_picture_stays_as_it_was(arm: SimArm) -> None:
    camera = camera_of(arm)
    before = camera.read()
    kept = before.rgb.copy()
    arm.place_box("cube", (0.3, 0.15, 0.015))
    wait(arm, 0.2)
    assert np.any(camera.read().rgb != before.rgb)
    np.testing.assert_array_equal(before.rgb, kept)
    with pytest.raises(ValueError, match="read-only"):
        before.rgb[:] = 0


def test_several_cameras_see_one_arm(arm: SimArm) -> None:
    front, wrist = camera_of(arm), camera_of(arm, "wrist")
    assert np.any(front.read().rgb != wrist.read().rgb)
    assert (front.name, wrist.name) == ("sim:front", "sim:wrist")


def test_depth_is_given_when_asked_for(arm: SimArm) -> None:
    assert camera_of(arm).read().depth_m is None
    frame = RenderedCamera(arm, "side", size_px=SIZE_PX, depth=True).read()
    assert frame.depth_m is not None
    np.testing.assert_array_equal(frame.depth_m, arm.render_depth("side", SIZE_PX))  # its truth: test_film.py
    assert frame.depth_m.shape == frame.rgb.shape[:2]


def test_a_closed_camera_fails_and_the_arm_goes_on(arm: SimArm) -> None:
    camera = camera_of(arm)
    camera.close()
    wait(arm, 1.0)
    assert (camera.read().valid, camera.read().reason, camera.read().number) == (False, "the camera was closed", 1)
    assert arm.read().valid


def test_an_arm_that_can_not_be_drawn_any_more_is_a_failed_frame(arm: SimArm, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = camera_of(arm)

    def broken(*_: object) -> None:
        raise MissingError("Pictures can not be drawn here (no EGL).")

    monkeypatch.setattr(arm, "render", broken)
    wait(arm, 0.2)
    assert camera.read().reason == "Pictures can not be drawn here (no EGL)"


def test_cameras_that_do_not_exist_and_sizes_that_make_no_sense_are_refused(arm: SimArm) -> None:
    camera_of(arm)
    with pytest.raises(UnknownNameError, match="no camera named 'wirst'. Did you mean 'wrist'"):
        RenderedCamera(arm, "wirst")
    for words in ({"rate_hz": float("nan")}, {"size_px": (0, 10)}):
        with pytest.raises(BadInputError, match="needs a positive size and rate"):
            RenderedCamera(arm, **words)
