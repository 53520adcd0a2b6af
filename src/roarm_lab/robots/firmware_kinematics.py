"""The arm's position as its own firmware computes it, right or wrong, for talking to a real or an emulated arm.

The firmware's lengths differ from the URDF's, so its tool point lies about 2.9 mm beside ours. Our truth is the URDF
(`robots/kinematics.py`). Units here are ours; the wire's millimetres are converted where the wire is.

Source: the vendor's RoArm-M3 firmware of 2025-01-08, compiled on a PC and compared to 1e-6 mm; feedback lines of
that of 2026-07-01 agree.
"""

from dataclasses import dataclass
from math import acos, atan2, cos, hypot, isnan, nan, pi, sin

STEPS = 4096
STEP_RAD = 2.0 * pi / STEPS
_UPPER_M, _UPPER_RAD = hypot(0.23682, 0.03), atan2(0.03, 0.23682)
_FORE_M = 0.14449
_HAND_M, _HAND_RAD = hypot(0.17167, 0.01369), atan2(0.01369, 0.17167)
GRIPPER_CLOSED_RAD = pi
"""On the wire a gripper angle is pi minus ours: closed is pi."""
_WRIST_MIN_M = 1e-9
"""At or below this wrist radius (1e-6 mm) the firmware takes 0, and 0 for the base."""


@dataclass(frozen=True)
class FirmwarePose:
    """Where the tool is, in the firmware's frame: x forward, z up, origin on the shoulder axis."""

    x_m: float
    y_m: float
    z_m: float
    pitch_rad: float
    """0 level, positive downwards; `tit` on the wire."""
    roll_rad: float = 0.0


@dataclass(frozen=True)
class FirmwareAngles:
    """What the firmware's inverse kinematics returns. It checks no limits."""

    base: float
    shoulder: float
    elbow: float
    wrist: float
    roll: float
    collapsed: bool
    """The target lies behind the wrist; the firmware solves for another point, tens of millimetres away, and says
    nothing."""

    @property
    def reachable(self) -> bool:
        """Whether all angles are numbers."""
        return not any(isnan(angle) for angle in (self.shoulder, self.elbow, self.wrist))

    @property
    def angles(self) -> tuple[float, float, float, float, float]:
        """Base, shoulder, elbow, wrist, roll [rad]."""
        return self.base, self.shoulder, self.elbow, self.wrist, self.roll


def forward(base: float, shoulder: float, elbow: float, wrist: float, roll: float = 0.0) -> FirmwarePose:
    """Return the pose that the firmware reports for joint angles [rad]. The gripper does not enter."""
    lean = shoulder + elbow + wrist
    radius_m = _UPPER_M * sin(shoulder + _UPPER_RAD) + _FORE_M * sin(shoulder + elbow) + _HAND_M * sin(lean + _HAND_RAD)
    z_m = _UPPER_M * cos(shoulder + _UPPER_RAD) + _FORE_M * cos(shoulder + elbow) + _HAND_M * cos(lean + _HAND_RAD)
    return FirmwarePose(radius_m * cos(base), radius_m * sin(base), z_m, lean - pi / 2, roll)


def inverse(pose: FirmwarePose) -> FirmwareAngles:
    """Return the joint angles the firmware would go to; NaN in shoulder, elbow and wrist when it finds none.

    It knows one elbow branch, faces the target always, and clamps the angles to the joint limits only afterwards.
    """
    wrist_m = hypot(pose.x_m, pose.y_m) - _HAND_M * cos(pose.pitch_rad + _HAND_RAD)
    wrist_z_m = pose.z_m + _HAND_M * sin(pose.pitch_rad + _HAND_RAD)
    collapsed = wrist_m <= _WRIST_MIN_M
    base = 0.0 if collapsed else atan2(pose.y_m, pose.x_m)
    shoulder, elbow = _two_links(0.0 if collapsed else wrist_m, wrist_z_m)
    return FirmwareAngles(base, shoulder, elbow, pi / 2 - shoulder - elbow + pose.pitch_rad, pose.roll_rad, collapsed)


def _two_links(x_m: float, z_m: float) -> tuple[float, float]:
    """Return shoulder and elbow for a wrist point in the arm's plane, or NaN."""
    reach_m = hypot(x_m, z_m)
    if reach_m == 0.0:
        return nan, nan
    near = _acos((_UPPER_M**2 + reach_m**2 - _FORE_M**2) / (2.0 * _UPPER_M * reach_m)) + _UPPER_RAD
    far = _acos((_FORE_M**2 + reach_m**2 - _UPPER_M**2) / (2.0 * reach_m * _FORE_M))
    return pi / 2 - atan2(z_m, x_m) - near, near + far


def _acos(cosine: float) -> float:
    return acos(cosine) if -1.0 <= cosine <= 1.0 else nan
