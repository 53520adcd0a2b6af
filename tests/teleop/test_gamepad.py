"""A gamepad: what sticks and buttons mean, dead zones, and one that is not there or goes away."""

import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.errors import MissingError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.teleop import gamepad
from roarm_lab.teleop.gamepad import (
    DEAD_ZONE,
    STEADY_S,
    Gamepad,
    PadState,
    SdlPad,
    _unreadable,
    axes_of,
    without_dead_zone,
)
from roarm_lab.teleop.jog import Jog, Switch
from roarm_lab.teleop.session import OperatorCommand, teleoperate
from tests.gateway.perfect_arm import PerfectArm
from tests.teleop.teleop_session import PERIOD_S, START


@pytest.mark.parametrize(
    ("deflection", "expected"),
    [
        (0.0, 0.0),
        (DEAD_ZONE, 0.0),
        (-DEAD_ZONE, 0.0),
        (1.0, 1.0),
        (-1.0, -1.0),
        (0.575, 0.5),
        (-0.575, -0.5),
        (2.0, 1.0),
    ],
)
def test_around_the_middle_nothing_moves_and_from_there_it_is_a_straight_line(
    deflection: float, expected: float
) -> None:
    assert without_dead_zone(deflection) == pytest.approx(expected)


def test_what_is_not_a_number_is_no_deflection() -> None:
    assert without_dead_zone(math.nan) == 0.0


@pytest.mark.parametrize(
    ("axis", "value", "joint", "hand"),
    [
        ("leftx", 1.0, (0, -1), (1, -1)),  # right: base clockwise; hand to the right
        ("lefty", -1.0, (1, 1), (0, 1)),  # pushed away: shoulder forward; hand forward
        ("rightx", 1.0, (4, 1), (4, 1)),
        ("righty", -1.0, (2, -1), (2, 1)),  # pushed away: elbow unfolds; hand up
        ("triggerleft", 1.0, (5, -1), (5, -1)),  # closes
        ("triggerright", 1.0, (5, 1), (5, 1)),
    ],
)
def test_sticks_and_triggers_deflect(
    axis: str, value: float, joint: tuple[int, float], hand: tuple[int, float]
) -> None:
    pad = PadState({axis: value})
    for mode, (index, sign) in (("joint", joint), ("ee", hand)):
        np.testing.assert_array_equal(np.array(axes_of(pad, mode)), sign * np.eye(6)[index])


def test_the_cross_tips_the_hand() -> None:
    assert axes_of(PadState(buttons=frozenset({"dpdown"})), "joint")[3] == 1.0
    assert axes_of(PadState(buttons=frozenset({"dpup"})), "ee")[3] == -1.0


def test_a_button_counts_when_it_goes_down_and_not_while_it_is_held() -> None:
    states = [frozenset[str](), frozenset({"b"}), frozenset({"b", "start"}), frozenset[str](), frozenset({"back"})]
    pad = Gamepad(lambda: PadState(buttons=states.pop(0)))
    assert [pad.state(0.0, "joint").asked for _ in range(5)] == [
        [],
        [OperatorCommand.STOP],
        [OperatorCommand.CLEAR],
        [],
        [Switch.MODE],
    ]


def test_a_button_that_was_down_already_was_not_pressed_for_us() -> None:
    assert Gamepad(lambda: PadState(buttons=frozenset({"start"}))).state(0.0, "joint").asked == []


def test_an_unplugged_gamepad_holds_the_arm_and_works_again_when_it_is_back() -> None:
    pushed, clear = PadState({"lefty": -1.0}), PadState({"lefty": -1.0}, frozenset({"start"}))
    states: list[PadState | None] = [pushed] * 5 + [None] * 5 + [pushed] * 5 + [clear] * 5
    jog = Jog(ROARM_M3, Gamepad(lambda: states.pop(0)), PERIOD_S)
    arm, latched, sent = PerfectArm(START), [], []
    teleoperate(
        arm, jog, seconds=1.0, watch=[lambda turn: latched.append(turn.latched), lambda turn: sent.append(turn.sent)]
    )
    gone = "The gamepad is gone. Plug it in again, or charge it; then go on."
    assert latched == [None] * 5 + [gone] * 10 + [None] * 5
    np.testing.assert_array_equal(sent[5:15], [sent[4]] * 10)
    assert sent[-1][1] > sent[14][1]


def test_where_there_is_no_gamepad_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setattr(SdlPad, "_find", lambda self: False)  # this machine may have one
    with pytest.raises(MissingError, match=r"No gamepad was found\. Plug it in") as error:
        SdlPad()
    assert error.value.exit_code == 3


def test_a_gamepad_that_never_changes_is_not_followed_for_ever_and_says_so() -> None:
    pad = PadState({"leftx": 1.0})
    states = {"pad": pad}
    one = Gamepad(lambda: states["pad"])
    assert [any(one.state(now_s, "joint").axes) for now_s in (10.0, 10.0 + STEADY_S, 10.1 + STEADY_S)] == [
        True,
        True,
        False,
    ]
    assert "no longer counts" in one.state(70.0, "joint").trouble
    states["pad"] = PadState({"leftx": 0.99})  # noise, or its radio is back; nobody has let go
    assert not any(one.state(70.1, "joint").axes)
    states["pad"] = PadState()
    assert one.state(70.2, "joint").trouble == ""
    states["pad"] = PadState({"leftx": 1.0})
    again = one.state(70.3, "joint")
    assert (any(again.axes), again.trouble) == (True, "")


@pytest.mark.skipif(sys.platform != "linux", reason="files of Linux")
def test_a_gamepad_that_this_user_may_not_read_is_named_with_a_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _unreadable(tmp_path) == ""
    (tmp_path / "js0").touch(mode=0o600)
    monkeypatch.setattr(os, "access", lambda *asked: False)  # root may read everything
    monkeypatch.setattr(gamepad, "how_to_open", lambda path, kind: kind.match)
    told = _unreadable(tmp_path)
    assert told.endswith('js0 is one, but this user may not read it. SUBSYSTEM=="input", ENV{ID_INPUT_JOYSTICK}=="1"')
