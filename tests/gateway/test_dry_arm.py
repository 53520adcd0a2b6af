"""An arm that is only looked at: nothing reaches the one behind it."""

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.gateway.dry_arm import DryArm
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm

DT_S = 0.05
AT_REST_RAD = 1e-3  # what a simulated arm sags in a moment


def test_it_tells_the_next_target_and_the_arm_behind_it_stays() -> None:
    clock = SimulatedClock()
    with SimArm(ROARM_M3, clock=clock) as real, DryArm(real) as arm:
        home, requested = real.sent, real.sent + 1.0
        told = []
        for _ in range(10):
            clock.sleep_until_s(clock.now_s() + DT_S)
            told.append(arm.send(requested, DT_S) - arm.read().joint_pos)
        np.testing.assert_array_equal(real.sent, home)
        np.testing.assert_allclose(real.read().joint_pos, home, atol=0.07)  # it droops, and that is all
        assert np.all(np.array(told)[:, 0] > 0.01)
        np.testing.assert_allclose(told[-1][0], told[0][0], atol=AT_REST_RAD)  # what was not sent does not add up


def test_a_hold_stays_with_it() -> None:
    clock = SimulatedClock()
    with SimArm(ROARM_M3, clock=clock) as real, DryArm(real) as arm:
        clock.sleep_until_s(DT_S)
        arm.hold("a test")
        assert (arm.latched, real.latched) == ("a test", None)
        with pytest.raises(UnsafeCommandError, match="a test"):
            arm.send(real.sent, DT_S)


def test_it_provides_what_the_arm_behind_it_does() -> None:
    with SimArm(ROARM_M3, clock=SimulatedClock()) as real, DryArm(real) as arm:
        assert arm.provides == real.provides
        assert arm.see().reason == real.see().reason
