"""What is wrong with an arm, by cause: from what was heard to findings with their evidence and what to do next."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roarm_lab.core.errors import RoarmLabError
from roarm_lab.core.findings import State
from roarm_lab.hardware.calibration import Calibration
from roarm_lab.hardware.link import Address, PortError, PortFault
from roarm_lab.hardware.port_discovery import permission_advice
from roarm_lab.hardware.port_sharing import in_words
from roarm_lab.hardware.probe import Evidence
from roarm_lab.hardware.protocol import (
    JOINTS,
    LOW_SUPPLY_V,
    SERVOS,
    Feedback,
    Firmware,
    UnmeasuredFault,
    is_boot_text,
)
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import Station

DAMAGED_SHARE = 0.01
"""More damaged lines than this are a finding; on a good cable there are none."""
WEAK_SUPPLY_V = 10.5
"""The supply is one of 12 V; the servos are slow and weak well below."""
BIAS = 350.0
"""How far the shoulder's load may be from its weight's [0.1 %]: a payload of 0.2 kg adds 190, and friction 20. Two
servos that pull against each other by this much disagree by 0.11 rad."""
GRAVITY_M_S2 = 9.81
SLOW_LINES_PER_S = 30.0
"""The older firmware streams 53 lines a second as long as its servos answer; it waits for each that does not."""
FEWEST_PER_S = 20.0
"""What control at 20 Hz needs."""
REPEATED = 20
"""So many lines that agree to the last digit are called still."""
STRAYED_RAD = 0.4
"""Further outside its range the gate refuses the joint: its `max_lead_rad`."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cause, what was measured that speaks for it, and what to do next."""

    cause: str
    """A name for programs: `bus-unpowered`."""
    state: State
    says: str
    """The cause in words."""
    evidence: str
    """What was measured."""
    next: str = ""
    """What to do or type; empty where there is nothing to do."""


PORT_FINDINGS: dict[PortFault, tuple[str, str, str]] = {
    "none": ("no-port", "no arm is found", "`list_ports()`"),
    "unclaimed": ("no-port", "a USB chip like the arm's is plugged in and has no port", "`list_ports()`"),
    "several": ("several-ports", "several ports could be the arm", "name one: `arm='serial:PORT'`"),
    "forbidden": ("permission", "this user may not open the port", ""),
    "busy": ("port-busy", "another program has the port", "close it: two programs garble each other"),
    "absent": ("no-port", "there is nothing at {address}", "`list_ports()`"),
}
"""Why there is no port -> cause, what to say of it, what to do next."""
NOT_REACHED = ("not-reached", "the arm can not be reached", "is it switched on, and the address right?")


POSE_FINDINGS: dict[UnmeasuredFault, tuple[str, str, str]] = {
    "unpowered": (
        "bus-unpowered",
        "the servos have had no power since the arm was switched on",
        "plug the 12 V supply in, switch it on",
    ),
    "never-read": ("servo-never-read", "", "check that servo's cable"),
    "unknown": ("no-pose", "", "check that servo's cable"),
}
"""Why an arm does not know its pose -> cause, what to say of it (nothing: its own words), what to do next."""


def unopened(address: str, error: RoarmLabError) -> Finding:
    """Return why a connection did not open."""
    fault: PortFault = error.fault if isinstance(error, PortError) else "other"
    cause, says, then = PORT_FINDINGS.get(fault, NOT_REACHED)
    if fault == "forbidden":
        then = permission_advice(Address.parse(address).place or address)
    return _bad(cause, says.format(address=address), str(error), then)


SHARING = {
    *("connection-broke", "silent-port", "another-device", "wrong-baud", "starting", "damaged-lines", "lost-answers"),
    *("streams-untold", "streams-unasked", "slow-readings", "still-or-frozen", "bus-lost"),
}
"""What a second reader of the port can make an arm look like."""


def findings(heard: Evidence, station: Station | None = None) -> list[Finding]:
    """Return what is wrong, worst first, and what is known about the arm. Empty never: `connection` is always there."""
    sharing, found = [*_sharing(heard)], [*_line(heard)]
    if heard.understood:
        found += [*_power(heard), *_servos(heard), *_shoulder(heard), *_stream(heard), *_pose(heard, station)]
        found += [*_facts(heard, station)]
    if any(finding.cause in {"bus-lost", "bus-unpowered"} for finding in found):
        found = [finding for finding in found if finding.cause != "slow-readings"]  # it is what follows from it
    if sharing:
        found = [*sharing, *(finding for finding in found if finding.cause not in SHARING)]
    order = {State.BAD: 0, State.NOTE: 1, State.FINE: 2}
    return sorted(found, key=lambda finding: order[finding.state])


def _sharing(heard: Evidence) -> Iterator[Finding]:
    """Does another program take a part of what the arm says?"""
    if not (heard.others or heard.shared):
        return
    took = "; bytes that had arrived were gone when they were read" if heard.shared else ""
    yield _bad(
        "second-program",
        f"another program reads this port{in_words(heard.others)}",
        f"{heard.bytes_in} bytes, {heard.understood} readings and {len(heard.damaged)} damaged lines in "
        f"{heard.seconds:.1f} s{took}",
        "close it and look again: what is left to say about the arm is not to be trusted meanwhile"
        if heard.others
        else f"close it and look again; sudo fuser -v {Address.parse(heard.address).place or 'PORT'} tells which it is",
    )


def _line(heard: Evidence) -> Iterator[Finding]:
    """Does an arm answer, and are its lines whole?"""
    counted = f"{heard.bytes_in} bytes and {heard.understood} readings in {heard.seconds:.1f} s"
    if heard.broke:
        yield _bad("connection-broke", "the connection broke while it was listened to", heard.broke, "check the cable")
    elif heard.other_baud:
        yield _bad(
            "wrong-baud",
            f"the arm talks at {heard.other_baud} baud: its firmware was changed",
            f"at 115200 baud {counted}; at {heard.other_baud} it answers",
            "flash the vendor's firmware",
        )
    elif heard.bytes_in == 0:
        yield _bad(
            "silent-port",
            "the port opens and nothing answers: the wrong one of the arm's two USB sockets, or no supply",
            f"not a byte in {heard.seconds:.1f} s, {heard.asked} questions asked",
            "put the cable into the socket of the ESP32 (the other is for a LIDAR), switch the 12 V supply on",
        )
    elif not heard.understood:
        yield _not_understood(heard, counted)
    else:
        yield from _damage(heard, counted)


def _not_understood(heard: Evidence, counted: str) -> Finding:
    last = f"; the last line: {heard.texts[-1][:60]!r}" if heard.texts else ""
    if any(is_boot_text(text) for text in heard.texts):
        return _bad(
            "starting", "the arm is starting, or starts again and again", counted + last, "wait 20 s; supply weak?"
        )
    if heard.unreadable > 0.2 * heard.bytes_in:
        return _bad(
            "wrong-baud",
            "something talks at another rate than 115200 baud",
            f"{counted}; {heard.unreadable / heard.bytes_in:.0%} of the bytes are no text",
            "another device, or an arm with a changed firmware: `list_ports()`",
        )
    return _bad("another-device", "something answers, and it is no RoArm-M3", counted + last, "`list_ports()`")


def _damage(heard: Evidence, counted: str) -> Iterator[Finding]:
    share, unanswered = len(heard.damaged) / heard.lines, heard.asked - heard.answered
    if share > DAMAGED_SHARE:
        yield _bad(
            "damaged-lines",
            "lines are damaged on their way: a second program on the port, a bad cable, a weak supply",
            f"{len(heard.damaged)} of {heard.lines} lines ({share:.0%}), for instance {heard.damaged[-1][:60]!r}",
            "close other programs (serial monitors too), use a short cable of another make",
        )
    if unanswered > 1:
        yield _note(
            "lost-answers",
            "questions stay without an answer",
            f"{unanswered} of {heard.asked} were not answered in time",
            "the firmware pauses or lines are lost: another program, a bad cable, a blocking command",
        )
    yield Finding(cause="connection", state=State.FINE, says="an arm answers", evidence=counted)


def _power(heard: Evidence) -> Iterator[Finding]:
    """Have the servos power, did they ever?"""
    supply_v = heard.feedback[-1].supply_v if heard.feedback else None
    if heard.unmeasured and not heard.feedback:
        last = heard.unmeasured[-1]
        cause, says, then = POSE_FINDINGS[last.fault]
        evidence = f"{len(heard.unmeasured)} readings, every one says: {last.reason}"
        yield _bad(cause, says or last.reason, evidence, f"{then}, then: `recover_arm()`")
    if warnings := [text for text in heard.texts if text.lower().startswith("warning")]:
        yield _note(
            "firmware-warns",
            "the firmware warns by itself",
            f"{len(warnings)} times, last: {warnings[-1][:80]!r}",
            "a servo's current: is it blocked? the supply's voltage: use the 12 V 5 A supply",
        )
    if supply_v is not None and LOW_SUPPLY_V <= supply_v < WEAK_SUPPLY_V:
        yield _note("weak-supply", "the supply is weak", f"{supply_v:.1f} V, 12 V expected", "use the 12 V 5 A supply")


def _servos(heard: Evidence) -> Iterator[Finding]:
    """Do all servos answer now? The newer firmware tells; the older one repeats the last reading."""
    if not heard.feedback:
        return
    last = heard.feedback[-1]
    if last.torque_on is not None:
        yield from _switches(heard, last)
    elif _repeats(heard) and (heard.streamed_per_s or math.inf) < SLOW_LINES_PER_S:
        yield _bus_lost(f"{len(heard.feedback)} readings equal to the last digit, {heard.streamed_per_s:.0f} a second "
                        f"instead of 53: the firmware waits for servos that do not answer")  # fmt: skip
    elif names := _repeating(heard):
        which = "all joints" if len(names) == len(JOINTS) else " and ".join(names)
        yield _note(
            "still-or-frozen",
            "the arm stands still, or a servo is not read any more: this firmware does not tell which",
            f"{which}: angle and load equal to the last digit in {len(heard.feedback)} readings",
            "`set_up_arm(step='motion')` moves every joint a little and sees which one does not follow",
        )


def _switches(heard: Evidence, last: Feedback) -> Iterator[Finding]:
    assert last.torque_on is not None
    off = [f"{SERVOS[i]} ({JOINTS[i]})" for i, on in enumerate(last.torque_on) if not on]
    volts = "" if last.supply_v is None else f", supply {last.supply_v:.1f} V"
    if not off:
        yield Finding(cause="servos", state=State.FINE, says="all servos hold", evidence=f"6 of 6 have torque{volts}")
    elif len(off) < len(SERVOS):
        yield _bad(
            "servo-lost",
            f"servo {' and '.join(off)} does not answer or has no torque",
            f"{len(SERVOS) - len(off)} of {len(SERVOS)} have torque{volts}",
            "check its cable, then: `recover_arm()`",
        )
    elif (last.supply_v is not None and last.supply_v < LOW_SUPPLY_V) or _loaded(last):
        evidence = f"no servo has torque{volts}, and the angles are those of before"
        yield _bus_lost(evidence if _loaded(last) else f"no servo has torque{volts}")
    else:
        yield _bad(
            "torque-off",
            "the servos are limp: somebody let them go",
            f"no servo has torque, none carries a load{volts}",
            "hold the arm, then: `torque_on()`",
        )


def _bus_lost(evidence: str) -> Finding:
    return _bad(
        "bus-lost",
        "the servos had power and lost it: what the arm says is where it was",
        evidence,
        "check the 12 V supply and the cable to the first servo, then: `recover_arm()`",
    )


def _loaded(last: Feedback) -> bool:
    """Whether a servo without torque still reports a load: an old reading."""
    return last.effort is not None and any(share > 0 or share < 0 for share in last.effort)


def _repeats(heard: Evidence) -> bool:
    return len(_repeating(heard)) == len(JOINTS)


def _repeating(heard: Evidence) -> list[str]:
    """Return the joints that say the same again and again: all, or those that carry a load, whose servo would waver."""
    lines = heard.feedback[-REPEATED:]
    if len(lines) < REPEATED:
        return []
    series = {name: [(line.joint_pos[i], _load(line, i)) for line in lines] for i, name in enumerate(JOINTS)}
    same = [name for name, readings in series.items() if len(set(readings)) == 1]
    return same if len(same) == len(JOINTS) else [name for name in same if series[name][-1][1]]


def _load(line: Feedback, joint: int) -> float:
    """Return a joint's effort; 0 where the firmware does not tell it."""
    share = line.effort[joint] if line.effort else 0.0
    return 0.0 if math.isnan(share) else share


def _shoulder(heard: Evidence) -> Iterator[Finding]:
    """Do the shoulder's two servos pull together? Servo 13 learns its middle at every boot."""
    if not heard.feedback or heard.shoulder_load is None:
        return
    weight = 1000.0 * _weight_share(heard.feedback[-1].joint_pos)
    if abs(heard.shoulder_load - weight) > BIAS:
        yield _bad(
            "shoulder-bias",
            "the shoulder's servos 12 and 13 pull against each other: the arm was held or pushed while it started",
            f"tS is {heard.shoulder_load / 10:.0f} % of full drive, the arm's weight explains {weight / 10:.0f} %",
            "take your hands off, nothing in the gripper, then: `recover_arm()` (it starts anew, and moves)",
        )


def _weight_share(joint_pos: tuple[float, ...]) -> float:
    """Return which share of its full drive the shoulder needs for the arm's weight, positive where it leans forward."""
    kinematics, joint = Kinematics(ROARM_M3), ROARM_M3.joint_names.index("shoulder")
    facts = {link.name: link for link in ROARM_M3.links}
    links = [facts[name] for name in kinematics.link_names]
    poses = np.array([joint_pos, joint_pos])
    poses[:, joint] += (-1e-4, 1e-4)
    pos_b, rot_b = kinematics.link_poses(poses)
    heights_m = [pos_b[:, i, 2] + rot_b[:, i, 2] @ np.array(link.com_m) for i, link in enumerate(links)]
    masses_kg = np.array([link.mass_kg for link in links])
    low_j, high_j = GRAVITY_M_S2 * masses_kg @ np.array(heights_m)
    return float(low_j - high_j) / 2e-4 / ROARM_M3.joints[joint].servo.stall_torque_nm


def _stream(heard: Evidence) -> Iterator[Finding]:
    """Does it stream when it is told to, and only then?"""
    if heard.after_quiet > 1:
        yield _bad(
            "streams-untold",
            "readings come that nobody here asked for: another program reads this port, or the arm does not hear",
            f"{heard.after_quiet} readings after it was told to be quiet",
            "close other programs, then: `recover_arm()`",
        )
    if heard.unasked > 1 and heard.firmware is Firmware.FW26 and not heard.address.startswith("http"):
        yield _note(
            "streams-unasked",
            "the arm was streaming before anybody here asked: another program reads this port, or ended untidily",
            f"{heard.unasked} readings before the first question; this firmware is silent by itself",
            "is another program talking to it?",
        )
    if heard.feedback and heard.streamed_per_s is not None and heard.streamed_per_s < FEWEST_PER_S:
        yield _note(
            "slow-readings",
            "too few readings to drive the arm at 20 Hz",
            f"{heard.streamed_per_s:.1f} readings a second",
            "over the newer firmware's Wi-Fi there is one a second: use the USB cable",
        )


def _pose(heard: Evidence, station: Station | None) -> Iterator[Finding]:
    """Is the arm where it can be?"""
    if not heard.feedback:
        return
    offsets = station.offsets_rad(ROARM_M3) if station else (0.0,) * len(JOINTS)
    angles = Calibration(offsets).true(heard.feedback[-1]).joint_pos
    for joint, angle in zip(ROARM_M3.joints, angles, strict=True):
        if not joint.target_lower_rad - STRAYED_RAD <= angle <= joint.upper_rad + STRAYED_RAD:
            yield _bad(
                "joint-outside",
                f"the {joint.name} is far outside its range",
                f"it reads {angle:.3f} rad, its range is {joint.lower_rad:g} to {joint.upper_rad:g}",
                "switch off, move it back by hand, switch on; is the calibration right? `set_up_arm(step='zero')`",
            )


def _facts(heard: Evidence, station: Station | None) -> Iterator[Finding]:
    firmware = heard.firmware
    if firmware is None:
        return
    tells = "tells torque, supply and the gripper's load" if firmware is Firmware.FW26 else (
        "does not tell torque, supply or the gripper's load"
    )  # fmt: skip
    rate = "" if heard.streamed_per_s is None else f", {heard.streamed_per_s:.0f} readings a second"
    yield Finding(
        cause="firmware", state=State.FINE, says=f"the firmware of {firmware} answers", evidence=f"it {tells}{rate}"
    )
    if station and station.firmware and station.firmware != str(firmware):
        yield _note(
            "firmware-changed",
            "another firmware than when the station was set up",
            f"{firmware}, the station file says {station.firmware}",
            "`set_up_arm(step='firmware')`",
        )


def _bad(cause: str, says: str, evidence: str, what_next: str) -> Finding:
    return Finding(cause=cause, state=State.BAD, says=says, evidence=evidence, next=what_next)


def _note(cause: str, says: str, evidence: str, what_next: str) -> Finding:
    return Finding(cause=cause, state=State.NOTE, says=says, evidence=evidence, next=what_next)
