"""How fast a servo is told to go to the next target of a stream, so that it neither stops in between nor falls behind.

The firmware takes one speed and one acceleration for all joints with every target. At the highest speed a servo would
run to each target and wait there for the next one: it would step. At the speed of the target itself it arrives just
when the next one comes, but never makes up for a delay. So it gets the target's own speed and a quarter more, or what
it takes to close the gap to the measured pose in `CATCH_UP_S`, whichever is faster; the joint that needs most decides.
The acceleration is the gate's: no target asks for more, and with less the servo would lag behind.
"""

import math

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.hardware.protocol import MAX_ACCEL_REGISTER, MAX_SPEED_STEPS_S
from roarm_lab.robots.firmware_kinematics import STEP_RAD
from roarm_lab.robots.limits import JointLimits

MARGIN = 1.25
CATCH_UP_S = 0.2
"""A pose is measured about 50 ms late; closing such a gap in four times that time does not outrun the margin."""
SLOWEST_RAD_S = 0.2
"""Servos shake when they are told to go slower; 0.01 rad, what this is at 20 Hz, is within their deadband and droop."""
COUNT_STEPS_S2 = 100
"""What one count of the acceleration register means."""
MIN_DT_S, MAX_DT_S = 0.01, 0.2


def registers(
    target: Float64, last_target: Float64, measured: Float64, dt_s: float, limits: JointLimits
) -> tuple[int, int]:
    """Return speed [servo steps/s] and acceleration [register] for a target [joint] rad. Neither is ever 0.

    Args:
        target: Where the joints are sent now.
        last_target: Where they were sent before.
        measured: Where they are, as far as is known.
        dt_s: Time since the last target; limited to what a control loop has, so that a pause makes nothing fast or
            slow.
        limits: The gate's.
    """
    rate_rad_s = float(np.max(np.abs(target - last_target))) / min(max(dt_s, MIN_DT_S), MAX_DT_S)
    gap_rad_s = float(np.max(np.abs(target - measured))) / CATCH_UP_S
    fastest_rad_s = MARGIN * float(np.max(limits.max_speed))
    speed_rad_s = min(max(MARGIN * rate_rad_s, gap_rad_s, SLOWEST_RAD_S), fastest_rad_s)
    count = float(np.max(limits.max_accel)) / (COUNT_STEPS_S2 * STEP_RAD)
    return (
        min(max(math.ceil(speed_rad_s / STEP_RAD), 1), MAX_SPEED_STEPS_S),
        min(max(round(count), 1), MAX_ACCEL_REGISTER),
    )
