"""Calibration: taken away from what the wire says, added to what it is told, and never beyond the hardware's range."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.hardware import io_thread
from roarm_lab.hardware.calibration import Calibration
from roarm_lab.hardware.protocol import Feedback
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.gate import Gate
from roarm_lab.robots.gate_config import GateRules, tightened
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.hardware.fake_port import APort

OFFSETS = (0.05, -0.05, 0.02, 0.0, -0.1, 0.03)
PATIENCE_S = 120.0  # only a test that fails waits this long
WIRE_RAD = 1e-5  # the wire has five decimals


@pytest.fixture
def port() -> Iterator[APort]:
    with APort() as port:
        yield port


def until(done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.01)


def test_the_arm_is_read_and_sent_in_true_angles(port: APort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io_thread, "TARGET_S", PATIENCE_S)
    said = np.array([*port.wire[:5], np.pi - port.wire[5]])
    with RoArmM3.connect(f"serial:{port.place}", calibration=Calibration(OFFSETS)) as arm:
        np.testing.assert_allclose(arm.read().joint_pos, said - OFFSETS, atol=1e-9)
        assert isinstance(arm.feedback, Feedback)
        np.testing.assert_allclose(arm.feedback.joint_pos, said, atol=1e-9)  # as it came
        time.sleep(0.05)
        sent = arm.send(arm.sent + 0.03, 0.05)
        until(lambda: len(port.targets()) > 0)
        target = port.targets()[0]
    told = [target[name] for name in ("base", "shoulder", "elbow", "wrist", "roll")] + [np.pi - target["hand"]]
    np.testing.assert_allclose(told, sent + OFFSETS, atol=WIRE_RAD)


def test_no_request_leaves_the_hardwares_range_on_the_wire() -> None:
    calibration = Calibration(OFFSETS)
    rules = calibration.narrowed(ROARM_M3, GateRules(self_margin_m=None, table_height_m=None))
    home = np.array(ROARM_M3.keyframe("home"))
    for requested in (home - 10.0, home + 10.0):
        gate = Gate(ROARM_M3, sent=home, rules=rules)
        for _ in range(400):
            sent = gate.target(requested, gate.sent, 0.05)
        told = calibration.wire(sent)
        for joint, angle in zip(ROARM_M3.joints[:5], told[:5], strict=True):
            assert joint.lower_rad - 1e-9 <= angle <= joint.upper_rad + 1e-9, joint.name


def test_a_stations_limits_are_true_angles_and_stay_the_tighter_ones() -> None:
    calibration = Calibration((0.05, 0.0, 0.0, 0.0, 0.0, -0.02))
    limits = calibration.narrowed(ROARM_M3, GateRules(station_limits={"base": (-1.0, 1.0)})).station_limits
    assert limits == {"base": (-1.0, 1.0)}  # the gripper keeps its room to press
    wide = calibration.narrowed(ROARM_M3, GateRules()).station_limits
    assert wide == {"base": (-3.13, pytest.approx(3.08))}
    tightened(ROARM_M3, wide)


def test_without_offsets_nothing_changes() -> None:
    none = Calibration.none(ROARM_M3)
    rules = GateRules()
    assert none.narrowed(ROARM_M3, rules) == rules
    np.testing.assert_array_equal(none.wire(np.ones(6)), np.ones(6))


def test_what_is_not_a_number_is_refused() -> None:
    with pytest.raises(BadInputError, match="must be finite numbers"):
        Calibration((np.nan, 0.0, 0.0, 0.0, 0.0, 0.0))
