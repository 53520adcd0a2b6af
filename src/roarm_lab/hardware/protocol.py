"""The wire of the RoArm-M3: command lines, feedback lines, and the one place where its units become ours.

Radians on the wire are ours except for the gripper, which counts pi minus ours. Speeds are servo steps per second,
accelerations a register that counts 100 steps/s^2; in both, 0 means *as fast as possible* and is therefore never sent.

A servo that was commanded to q reports q one encoder step (0.0015 rad) off, because the firmware takes 2047 for the
middle where it writes and 2048 where it reads. That is left as it is: it is less than what the servo's own deadband
leaves.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import pi
from typing import Any, Literal, cast

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.json_objects import finite_number
from roarm_lab.robots.firmware_kinematics import GRIPPER_CLOSED_RAD, forward

JOINTS = ("base", "shoulder", "elbow", "wrist", "roll", "gripper")
SERVOS = (11, 12, 14, 15, 16, 17)
"""The servo that is read for each joint; 13 is the shoulder's second and is not read."""
POSITION_KEYS = ("b", "s", "e", "t", "r", "g")
LOAD_KEYS = ("tB", "tS", "tE", "tT", "tR", "tG")
SWITCH_KEYS = tuple(f"torswitch{joint}" for joint in "BSETRG")
NEVER_READ = (pi, -pi, -pi / 2, -pi, pi, 0.0)
"""What the firmware makes of servo position 0, its value for a servo that it has not read since it was switched on."""
ROUND = (JOINTS.index("base"), JOINTS.index("roll"))
"""Joints that really get to what `NEVER_READ` says."""
NEVER_READ_TOLERANCE = 1e-6
"""The wire has nine decimals; the next possible position is 1.5e-3 away."""
NO_POWER = "no servo has been read since the arm was switched on; plug in the 12 V supply and switch it on"
NEVER_YET = "{servo} has not been read since the arm was switched on; check its cable"
LOAD_SIGN = (1.0, -1.0, -1.0, -1.0, 1.0, 1.0)
"""A load on the wire is positive where the joint is pushed towards higher servo steps, hence against the drive; base,
roll and gripper count their steps backwards. Seen in captured lines: what droops down has a positive load."""
FULL_LOAD = 1000.0
MAX_ANGLE_RAD = 2 * pi
"""No servo reports more than one turn."""
MAX_POSITION_GAP_M = 0.5e-3
"""How far x, y, z of a line may be from what its angles say. Both are printed with nine digits; a line that
disagrees was damaged on its way, and half a millimetre is what 1e-3 rad do at the tool."""
MAX_LINE_BYTES = 1024
"""The longest line of either firmware has about 330."""
MAX_SPEED_STEPS_S, MAX_ACCEL_REGISTER = 3400, 254
LOW_SUPPLY_V = 6.0
"""Below this the newer firmware itself warns."""


class Firmware(StrEnum):
    """Which of the two firmwares answers; both call themselves version 0.84."""

    FW25 = "2025-01-08"
    FW26 = "2026-07-01"


@dataclass(frozen=True)
class Feedback:
    """One feedback line in our units. It is what the firmware says; whether to believe it is decided elsewhere."""

    firmware: Firmware
    joint_pos: tuple[float, ...]
    """Joint angles [joint] rad, gripper 0 closed."""
    effort: tuple[float, ...] | None
    """Share of the full drive with which each servo pushes in its joint's positive direction [joint], -1 to 1; NaN for
    a gripper whose load the older firmware does not report. None without any loads."""
    torque_on: tuple[bool, ...] | None
    """Whether each servo holds [joint]; only the newer firmware tells."""
    supply_v: float | None
    """Voltage of the servo supply; only the newer firmware tells."""


UnmeasuredFault = Literal["unpowered", "never-read", "unknown"]
"""Why a line is no measurement: no servo has been read since the arm was switched on; one has not; the line lacks an
angle, or the firmware says that it does not know it."""


@dataclass(frozen=True)
class Unmeasured:
    """A feedback line that is no measurement, and why: in words, and for programs."""

    reason: str
    firmware: Firmware | None = None
    fault: UnmeasuredFault = "unknown"


@dataclass(frozen=True)
class Skipped:
    """A line that is no feedback: text, another message, or one that was damaged on its way."""

    why: str
    text: str = ""
    kind: Literal["text", "message", "damaged"] = "damaged"


Parsed = Feedback | Unmeasured | Skipped


def parse_line(line: bytes) -> Parsed:
    """Return what a line says. Takes any bytes; never raises and never makes a number out of garbage."""
    text = line.decode("utf-8", errors="replace").strip()
    if len(line) > MAX_LINE_BYTES:
        return Skipped("longer than any line of the firmware")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return Skipped("not JSON", text, "text")
    if not isinstance(message, dict):
        return Skipped("not a message", text, "message")
    fields = cast("dict[str, Any]", message)
    kind = fields.get("T")
    if isinstance(kind, bool) or kind not in (1051, -15):
        return Skipped("another message", text, "message")
    return _feedback(fields, Firmware.FW26 if kind == -15 or _is_newer(fields) else Firmware.FW25)


def why_no_torque(feedback: Feedback, *, released: bool = False) -> str:
    """Return why the servos do not hold, in words; empty when they do or when the firmware does not tell.

    A servo that does not answer looks like one without torque: its switch reads 0 and its angle is an old one.

    Args:
        feedback: What the firmware says.
        released: Whether the servos are limp on purpose; all of them without torque are fine then, if they have power.
    """
    if feedback.torque_on is None or all(feedback.torque_on):
        return ""
    if any(feedback.torque_on):
        silent = [_servo(i) for i, on in enumerate(feedback.torque_on) if not on]
        return (
            f"{' and '.join(silent)} has no torque or does not answer; check its cable, then release "
            f"the arm, or `recover_arm()`"
        )
    if feedback.supply_v is not None and feedback.supply_v < LOW_SUPPLY_V:
        return (
            f"the servos have no power: the supply reads {feedback.supply_v:.1f} V; plug in the 12 V supply and "
            f"switch it on"
        )
    if released:
        return ""
    return (
        "the servos have no torque or do not answer; `torque_on()`, or releasing an arm that is held, makes "
        "them hold where they are"
    )


def is_boot_text(text: str) -> bool:
    """Whether a line is one that only a starting firmware prints."""
    return any(word in text for word in ("bus servos status check", "Server Starts", "rst:0x", "ets Jul", "ESP-ROM"))


def move(joint_target: Sequence[float], speed_steps_s: int, accel_register: int) -> bytes:
    """Return the line that sends all joints to `joint_target` [joint] rad at one speed (T:102).

    Raises:
        BadInputError: An angle is not one that a servo can go to, or a speed or acceleration is 0 (the firmware takes
            that for the maximum) or more than the register holds.
    """
    angles = [float(angle) for angle in joint_target]
    if len(angles) != len(JOINTS) or not all(-MAX_ANGLE_RAD <= angle <= MAX_ANGLE_RAD for angle in angles):
        raise BadInputError(f"A target must be {len(JOINTS)} angles [rad] within one turn, got {angles}.")
    if not 1 <= speed_steps_s <= MAX_SPEED_STEPS_S:
        raise BadInputError(f"speed_steps_s must be 1 to {MAX_SPEED_STEPS_S}, got {speed_steps_s}.")
    if not 1 <= accel_register <= MAX_ACCEL_REGISTER:
        raise BadInputError(f"accel_register must be 1 to {MAX_ACCEL_REGISTER}, got {accel_register}.")
    wire = [*angles[:5], GRIPPER_CLOSED_RAD - angles[5]]
    names = ("base", "shoulder", "elbow", "wrist", "roll", "hand")
    # Five decimals are 150 times finer than a servo step, and no number is written with an exponent.
    numbers = ",".join(f'"{name}":{angle:.5f}' for name, angle in zip(names, wire, strict=True))
    return f'{{"T":102,{numbers},"spd":{int(speed_steps_s)},"acc":{int(accel_register)}}}\n'.encode()


def ask_feedback() -> bytes:
    """Return the line that asks for one feedback line (T:105)."""
    return b'{"T":105}\n'


def info_print(*, stream: bool) -> bytes:
    """Return the line that makes the firmware send feedback all the time, or only when it is asked (T:605)."""
    return b'{"T":605,"cmd":2}\n' if stream else b'{"T":605,"cmd":0}\n'


def remote_control_off() -> bytes:
    """Return the line after which no radio of a stranger moves the arm (T:301): by default it follows any."""
    return b'{"T":301,"mode":0}\n'


def torque(*, on: bool) -> bytes:
    """Return the line that makes the servos hold or lets them go (T:210)."""
    return b'{"T":210,"cmd":1}\n' if on else b'{"T":210,"cmd":0}\n'


def led(level: int) -> bytes:
    """Return the line that sets the lamp (T:114).

    Raises:
        BadInputError: The level is not 0 to 255.
    """
    if not 0 <= level <= 255:
        raise BadInputError(f"The lamp takes 0 (off) to 255, got {level}.")
    return f'{{"T":114,"led":{int(level)}}}\n'.encode()


def reboot() -> bytes:
    """Return the line that starts the firmware anew; the arm moves to its home while it starts (T:600)."""
    return b'{"T":600}\n'


class LineReader:
    """Cuts what arrives into lines, however it is split."""

    def __init__(self) -> None:
        self._rest = b""
        self.overlong = 0
        """How often more arrived without a line's end than any line has; it was thrown away."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now, without their ends; empty ones are left out."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest, self.overlong = b"", self.overlong + 1
        return [line for line in map(bytes.strip, lines) if line]


def _is_newer(fields: Mapping[str, Any]) -> bool:
    return "v" in fields or any(key in fields for key in SWITCH_KEYS)


def _feedback(fields: Mapping[str, Any], firmware: Firmware) -> Parsed:
    if missing := [key for key in POSITION_KEYS if key not in fields]:
        return Unmeasured(f"the arm's feedback has no {', '.join(missing)}", firmware)
    wire = [finite_number(fields[key]) for key in POSITION_KEYS]
    unknown = [name for name, angle in zip(JOINTS, wire, strict=True) if angle is None]
    if unknown or fields.get("feedback_valid") is False:
        which = f" of {', '.join(unknown)}" if unknown else ""
        return Unmeasured(f"the firmware says that it does not know the angle{which}", firmware)
    angles = [angle for angle in wire if angle is not None]
    if damage := _why_damaged(fields, angles):
        return Skipped(damage)
    if never := _never_read(fields, angles):
        if len(never) == len(JOINTS):
            return Unmeasured(NO_POWER, firmware, "unpowered")
        return Unmeasured(NEVER_YET.format(servo=_servo(never[0])), firmware, "never-read")
    supply = finite_number(fields.get("v"))
    return Feedback(
        firmware=firmware,
        joint_pos=(*angles[:5], GRIPPER_CLOSED_RAD - angles[5]),
        effort=_effort(fields),
        torque_on=_switches(fields),
        supply_v=None if supply is None else supply / 100.0,
    )


def _why_damaged(fields: Mapping[str, Any], angles: Sequence[float]) -> str:
    """Return what in a line can not have been sent like that; empty when nothing."""
    if not all(-MAX_ANGLE_RAD <= angle <= MAX_ANGLE_RAD for angle in angles):
        return "angles beyond one turn"
    if not _agrees(fields, angles):
        return "position and angles disagree"
    if any(key in fields for key in SWITCH_KEYS) and not all(fields.get(key) in (0, 1) for key in SWITCH_KEYS):
        return "torque switches that are neither on nor off"
    return ""


def _agrees(fields: Mapping[str, Any], angles: Sequence[float]) -> bool:
    """Whether the position in the line is the one of its angles, as far as the line has one."""
    said = [finite_number(fields.get(key)) for key in ("x", "y", "z")]
    if any(value is None for value in said):
        return all(key not in fields for key in ("x", "y", "z"))
    pose = forward(*angles[:4])
    gaps = (abs(mm / 1e3 - m) for mm, m in zip(said, (pose.x_m, pose.y_m, pose.z_m), strict=True) if mm is not None)
    return all(gap <= MAX_POSITION_GAP_M for gap in gaps)


def _never_read(fields: Mapping[str, Any], wire: Sequence[float]) -> list[int]:
    """Return the joints whose servo has not been read since the arm was switched on."""
    never = [abs(a - zero) <= NEVER_READ_TOLERANCE for a, zero in zip(wire, NEVER_READ, strict=True)]
    for joint in ROUND:  # these come there when they overshoot their limit, and work then
        never[joint] = never[joint] and not finite_number(fields.get(LOAD_KEYS[joint]))
    return [joint for joint, is_never in enumerate(never) if is_never]


def _servo(index: int) -> str:
    return f"servo {SERVOS[index]} ({JOINTS[index]})"


def _effort(fields: Mapping[str, Any]) -> tuple[float, ...] | None:
    loads = [finite_number(fields.get(key)) for key in LOAD_KEYS]
    if all(load is None for load in loads):
        return None
    return tuple(
        math.nan if load is None else min(max(sign * load / FULL_LOAD, -1.0), 1.0)
        for sign, load in zip(LOAD_SIGN, loads, strict=True)
    )


def _switches(fields: Mapping[str, Any]) -> tuple[bool, ...] | None:
    if not any(key in fields for key in SWITCH_KEYS):
        return None
    return tuple(fields.get(key) == 1 for key in SWITCH_KEYS)
