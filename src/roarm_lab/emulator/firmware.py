"""The two firmwares in the field, as the list of their differences.

Both show "version: 0.84" and neither has a version query. Source: the vendor's sources of 2025-01-08 and 2026-07-01;
handlers of the newer one that nobody has read follow the older one.
"""

from dataclasses import dataclass

from roarm_lab.core.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Firmware:
    """What one firmware does differently from the other."""

    name: str
    info_print: int
    """`T:605` after power-up: 0 quiet, 1 debug, 2 stream a feedback line in every loop."""
    wide_feedback: bool
    """Feedback has 24 keys (gripper load, torque switches, supply voltage) instead of 16."""
    elbow_lower_step: int
    """Lowest goal of the elbow servo: 512 is -45 degrees, 1024 is 0."""
    queued: bool
    """A task of its own reads lines into a queue; without, the main loop reads, and waits while a command blocks."""
    json_bytes: int = 0
    """Size of the fixed JSON document; 0: on the heap, without limit."""
    line_chars: int = 0
    """Longest line; what is longer is cut and does not parse. 0: no limit."""
    queue_depth: int = 50
    mixes_torque_limits: bool
    """`T:112` gives wrist and roll the elbow's limit."""
    echoes_in_debug: bool
    """With `T:605` 1 every understood line is printed back."""
    emergency_drops_s: float
    """How long `T:0` lets the arm go, blocking; 0: it only sets a flag that ends `T:103` and `T:104`."""
    folds_before_release: bool
    """`T:210` 0 drives to the folded pose before torque goes off."""
    axis_move_closes_gripper: bool
    """`T:103` of another axis and a Cartesian jog send the gripper to closed. Read in the older firmware only."""
    ends_boot_with_move: bool
    """The last act of the boot is an interpolated move to the init pose."""
    success_text_always_in_debug: bool
    """At boot with info print 1 the servo check says success even when it failed."""
    http_executes: bool
    """`GET /js` runs the command and answers with its result; otherwise the queue takes it."""
    failed_read_clears_switch: bool
    """A failed servo read sets the torque switch to 0; otherwise all old values stay."""
    watches_supply: bool
    """Prints a warning in every loop while the supply is out of range."""
    joins_wifi_blocking: bool
    """Joining a network (at most 15 s) blocks the main loop."""


FW25 = Firmware(
    name="250108",
    info_print=2,
    wide_feedback=False,
    elbow_lower_step=512,
    queued=False,
    json_bytes=256,
    mixes_torque_limits=True,
    echoes_in_debug=True,
    emergency_drops_s=10.0,
    folds_before_release=False,
    axis_move_closes_gripper=True,
    ends_boot_with_move=True,
    success_text_always_in_debug=True,
    http_executes=True,
    failed_read_clears_switch=False,
    watches_supply=False,
    joins_wifi_blocking=True,
)
FW26 = Firmware(
    name="20260701",
    info_print=1,
    wide_feedback=True,
    elbow_lower_step=1024,
    queued=True,
    line_chars=255,
    mixes_torque_limits=False,
    echoes_in_debug=False,
    emergency_drops_s=0.0,
    folds_before_release=True,
    axis_move_closes_gripper=False,
    ends_boot_with_move=False,
    success_text_always_in_debug=False,
    http_executes=False,
    failed_read_clears_switch=True,
    watches_supply=True,
    joins_wifi_blocking=False,
)
FIRMWARES = {firmware.name: firmware for firmware in (FW25, FW26)}


def firmware_named(name: str) -> Firmware:
    """Return the firmware called `250108` or `20260701`.

    Raises:
        UnknownNameError: There is no such firmware.
    """
    if name not in FIRMWARES:
        raise UnknownNameError("firmware", name, FIRMWARES)
    return FIRMWARES[name]
