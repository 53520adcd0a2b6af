import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from roarm_lab.core.errors import BadInputError
from roarm_lab.hardware import protocol
from roarm_lab.hardware.protocol import Feedback, Firmware, LineReader, Skipped, Unmeasured, parse_line, why_no_torque
from tests.hardware.fake_port import HOME, TORQUE_KEYS, feedback_line

# Captured from an arm at its home, which droops a little: shoulder and elbow lean down, so they must push up.
CAPTURED = (
    b'{"T":1051,"x":357.9772007,"y":2.19654816,"z":186.2414631,"tit":0.107378655,"b":0.006135923,"s":0.064427193,'
    b'"e":1.618349731,"t":-0.004601942,"r":-0.003067962,"g":3.11551498,"tB":-24,"tS":184,"tE":136,"tT":-20,"tR":24,'
    b'"tG":-60,"torswitchB":1,"torswitchS":1,"torswitchE":1,"torswitchT":1,"torswitchR":1,"torswitchG":1,"v":1213}'
)
NEVER_READ = (math.pi, -math.pi, -math.pi / 2, -math.pi, math.pi, 0.0)
ANY_PACE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is slow
WIRE_ROUNDING = 1e-9  # the wire has nine decimals


def parsed(line: bytes) -> Feedback:
    got = parse_line(line)
    assert isinstance(got, Feedback), got
    return got


def with_angle(index: int, angle: float) -> tuple[float, ...]:
    return (*HOME[:index], angle, *HOME[index + 1 :])


def test_a_captured_line_becomes_our_units() -> None:
    got = parsed(CAPTURED)
    expected = [0.006135923, 0.064427193, 1.618349731, -0.004601942, -0.003067962, math.pi - 3.11551498]
    np.testing.assert_allclose(got.joint_pos, expected, atol=WIRE_ROUNDING)
    assert got.firmware == Firmware.FW26
    assert got.supply_v == 12.13
    assert got.torque_on == (True,) * 6
    assert why_no_torque(got) == ""


def test_effort_is_the_drive_in_the_joints_direction() -> None:
    # Each joint is off its target of (0, 0, pi/2, 0, 0, 0) and drives back towards it.
    np.testing.assert_allclose(parsed(CAPTURED).effort or (), [-0.024, -0.184, -0.136, 0.020, 0.024, -0.060])


def test_the_older_firmware_is_known_by_what_it_does_not_say() -> None:
    got = parsed(feedback_line(newer=False))
    assert got.firmware == Firmware.FW25
    assert got.torque_on is None
    assert got.supply_v is None
    assert got.effort is not None
    assert math.isnan(got.effort[5])


@pytest.mark.parametrize("newer", [True, False])
def test_servos_that_were_never_read_are_no_pose(newer: bool) -> None:
    got = parse_line(feedback_line(NEVER_READ, newer=newer))
    assert isinstance(got, Unmeasured)
    assert "no servo has been read since the arm was switched on" in got.reason
    assert got.fault == "unpowered"


@pytest.mark.parametrize(
    ("index", "servo"),
    list(enumerate(["11 (base)", "12 (shoulder)", "14 (elbow)", "15 (wrist)", "16 (roll)", "17 (gripper)"])),
)
def test_one_servo_that_was_never_read_is_named(index: int, servo: str) -> None:
    got = parse_line(feedback_line(with_angle(index, NEVER_READ[index])))
    assert isinstance(got, Unmeasured)
    assert f"servo {servo} has not been read" in got.reason
    assert got.fault == "never-read"


@pytest.mark.parametrize("value", [None, "1.0", True, [], math.nan, math.inf, 10**400])
@pytest.mark.parametrize(("key", "name"), [("s", "shoulder"), ("g", "gripper")])
def test_an_angle_that_is_no_number_is_no_pose(key: str, name: str, value: Any) -> None:
    got = parse_line(feedback_line(**{key: value}))
    assert isinstance(got, Unmeasured)
    assert f"does not know the angle of {name}" in got.reason
    assert got.fault == "unknown"


def test_a_missing_angle_is_no_pose() -> None:
    fields = json.loads(feedback_line())
    del fields["e"]
    got = parse_line(json.dumps(fields).encode())
    assert isinstance(got, Unmeasured)
    assert "has no e" in got.reason
    assert got.fault == "unknown"


def test_a_patched_firmware_that_doubts_itself_is_believed() -> None:
    assert isinstance(parse_line(feedback_line(feedback_valid=False)), Unmeasured)


@pytest.mark.parametrize("digit", ["b", "s", "e", "t", "x", "z"])
def test_a_line_whose_position_and_angles_disagree_was_damaged(digit: str) -> None:
    fields = json.loads(feedback_line())
    got = parse_line(feedback_line(**{digit: fields[digit] + (1.0 if digit in "xz" else 0.02)}))
    assert got == Skipped("position and angles disagree", kind="damaged")


def test_joints_without_torque_are_told_apart() -> None:
    lost = parsed(feedback_line(torswitchT=0))
    assert "servo 15 (wrist) has no torque or does not answer" in why_no_torque(lost)
    assert "servo 15" in why_no_torque(lost, released=True)
    limp = parsed(feedback_line(**dict.fromkeys(TORQUE_KEYS, 0)))
    assert "`torque_on()`" in why_no_torque(limp)
    assert why_no_torque(limp, released=True) == ""
    dead = parsed(feedback_line(**dict.fromkeys(TORQUE_KEYS, 0) | {"v": 12}))
    assert "the supply reads 0.1 V" in why_no_torque(dead, released=True)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"All bus servos status checked.", "text"),
        (b"}", "text"),
        (b"{", "text"),
        (b'"T"', "message"),
        (b"[1051]", "message"),
        (b"\xff\xfe\x00", "text"),
        (b'{"T":1051,"b":0.1', "text"),
        (b'{"T":true,"b":0}', "message"),
        (b'{"T":[1051]}', "message"),
        (b'{"T":405}', "message"),
        (b"[" * 900, "text"),
        (b'{"T":1051}' + b" " * 2000, "damaged"),
    ],
)
def test_what_is_no_feedback_is_skipped(line: bytes, kind: str) -> None:
    got = parse_line(line)
    assert isinstance(got, Skipped)
    assert got.kind == kind


@ANY_PACE
@given(st.binary(max_size=400))
@example(b'{"T":1051,"b":' + b"9" * 390)
def test_any_bytes_are_survived_and_give_no_pose(data: bytes) -> None:
    assert not isinstance(parse_line(data), Feedback)


def test_a_single_damaged_byte_gives_no_wrong_position() -> None:
    believed = list[Feedback]()

    @ANY_PACE
    @given(st.integers(0, len(CAPTURED) - 1), st.integers(0, 255))
    def check(index: int, byte: int) -> None:
        got = parse_line(CAPTURED[:index] + bytes([byte]) + CAPTURED[index + 1 :])
        if isinstance(got, Feedback):  # base to wrist are guarded by the position; roll and gripper by the pose watch
            believed.append(got)
            np.testing.assert_allclose(got.joint_pos[:4], parsed(CAPTURED).joint_pos[:4], atol=3e-3)
            assert np.isfinite(got.joint_pos).all()

    check()
    assert believed


ANY_VALUE = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5), st.lists(st.none()))


def test_whatever_the_fields_hold_a_pose_is_finite() -> None:
    believed = list[Feedback]()

    @ANY_PACE
    @given(st.dictionaries(st.sampled_from(["b", "s", "e", "t", "r", "g", "tB", "tG", "torswitchB", "v"]), ANY_VALUE))
    def check(changes: dict[str, Any]) -> None:
        got = parse_line(feedback_line(**changes))
        if isinstance(got, Feedback):
            believed.append(got)
            assert np.isfinite(got.joint_pos).all()
            assert np.all(np.abs(got.joint_pos) <= 3 * math.pi)
            assert got.effort is None or not np.any(np.abs(got.effort) > 1.0)

    check()
    assert believed


@ANY_PACE
@given(st.lists(st.binary(min_size=1, max_size=9), max_size=30))
def test_lines_do_not_depend_on_how_they_are_split(chunks: list[bytes]) -> None:
    whole, pieces = LineReader().feed(b"".join(chunks)), LineReader()
    assert [line for chunk in chunks for line in pieces.feed(chunk)] == whole


def test_a_line_without_end_is_thrown_away() -> None:
    reader = LineReader()
    assert reader.feed(b"x" * 5000) == []
    assert reader.overlong == 1
    assert reader.feed(b"\n{}\r\n") == [b"{}"]


def test_a_target_is_written_in_the_wires_units() -> None:
    line = protocol.move([0.1, -0.2, 1.5, 0.0, 3.13, 0.5], 815, 254)
    assert line.endswith(b"\n")
    assert b" " not in line
    assert json.loads(line) == {
        "T": 102,
        "base": 0.1,
        "shoulder": -0.2,
        "elbow": 1.5,
        "wrist": 0.0,
        "roll": 3.13,
        "hand": 2.64159,  # pi - 0.5
        "spd": 815,
        "acc": 254,
    }


@ANY_PACE
@given(st.lists(st.floats(-math.pi, math.pi), min_size=6, max_size=6))
def test_what_is_sent_comes_back_as_it_was(angles: list[float]) -> None:
    fields = json.loads(protocol.move(angles, 1, 1))
    wire = tuple(fields[key] for key in ("base", "shoulder", "elbow", "wrist", "roll", "hand"))
    got = parse_line(feedback_line(wire))
    assume(isinstance(got, Feedback))  # not the few that mean "never read"
    np.testing.assert_allclose(got.joint_pos, angles, atol=1e-5)  # five decimals are sent


@pytest.mark.parametrize("bad", [math.nan, math.inf, 7.0])
def test_a_target_that_no_servo_can_go_to_is_refused(bad: float) -> None:
    with pytest.raises(BadInputError, match="6 angles"):
        protocol.move([0.0, bad, 0.0, 0.0, 0.0, 0.0], 100, 100)


@pytest.mark.parametrize(("speed", "accel"), [(0, 100), (100, 0), (3401, 100), (100, 255), (-1, 100)])
def test_zero_is_never_sent_because_it_means_the_maximum(speed: int, accel: int) -> None:
    with pytest.raises(BadInputError, match="must be 1 to"):
        protocol.move([0.0] * 6, speed, accel)


def test_the_lamp_has_256_levels() -> None:
    assert protocol.led(255) == b'{"T":114,"led":255}\n'
    with pytest.raises(BadInputError, match="0 \\(off\\) to 255"):
        protocol.led(256)


def test_a_base_that_overshoots_to_the_encoders_end_has_been_read() -> None:
    """There its angle is the one of a servo that was never read, but it drives."""
    line = feedback_line((math.pi, 0.1, 1.5, 0.1, 0.1, 3.0), tB=-300)
    assert isinstance(parse_line(line), Feedback)
    assert isinstance(parse_line(feedback_line((math.pi, 0.1, 1.5, 0.1, 0.1, 3.0), tB=0)), Unmeasured)
