"""Keys: how long a press counts, what Esc is, and that nothing reaches the arm but what the gate let through."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.gateway.teleop import Order
from roarm_lab.gateway.teleop_jog import Mode, Switch
from roarm_lab.gateway.teleop_keyboard import NUDGE_S, NUDGE_SHARE, REPEAT_S, Keyboard, keys_in
from roarm_lab.robots.limits import JointLimits
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.gateway.a_session import PERIOD_S, START, Typist, type_at
from tests.gateway.perfect_arm import PerfectArm

LIMITS = JointLimits.of(ROARM_M3)
ROUNDING = 1e-9
SOON_S = 0.01


def axes_at(texts: dict[float, str], when_s: float) -> tuple[float, ...]:
    """Type texts at times and return the deflections at another time."""
    moments = sorted({*texts, when_s})
    keyboard = Keyboard(Typist([texts.get(moment, "") for moment in moments]))
    return tuple([keyboard.state(moment, "joint").axes for moment in moments][moments.index(when_s)])


def test_a_press_counts_as_a_nudge_for_as_long_as_a_keyboard_waits_before_it_repeats() -> None:
    assert axes_at({0.0: "q"}, NUDGE_S - SOON_S) == (NUDGE_SHARE, 0, 0, 0, 0, 0)
    assert axes_at({0.0: "q"}, NUDGE_S + SOON_S) == (0, 0, 0, 0, 0, 0)


def test_a_repeat_is_full_deflection_and_ends_soon() -> None:
    assert axes_at({0.0: "d", 0.4: "d"}, 0.4 + REPEAT_S - SOON_S) == (0, 0, -1.0, 0, 0, 0)
    assert axes_at({0.0: "d", 0.4: "d"}, 0.4 + REPEAT_S + SOON_S) == (0, 0, 0, 0, 0, 0)
    assert axes_at({0.0: "d", 0.6: "d"}, 0.6 + SOON_S) == (0, 0, -NUDGE_SHARE, 0, 0, 0)  # a second press


def test_the_key_pressed_last_counts_and_any_other_ends_the_motion() -> None:
    assert axes_at({0.0: "qqq", 0.1: "a"}, 0.1 + SOON_S) == (-NUDGE_SHARE, 0, 0, 0, 0, 0)
    for other in ("x", " ", "m", "\x1b", "1"):
        assert axes_at({0.0: "qqq", 0.1: other}, 0.1 + SOON_S) == (0, 0, 0, 0, 0, 0)


def test_capitals_are_the_same_keys() -> None:
    assert keys_in("QP") == ["q", "p"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("p", [Order.STOP]),
        ("\x1b", [Order.STOP]),
        ("\x1bq", [Order.STOP]),  # Alt-Q of many terminals: on the safe side
        ("c", [Order.CLEAR]),
        (" ", [Order.PAUSE]),
        ("m-=", [Switch.MODE, Switch.SLOWER, Switch.FASTER]),
        ("q p c", [Order.PAUSE, Order.STOP, Order.PAUSE, Order.CLEAR]),
        ("\x1b[A\x1b[1;5C\x1bOP\x1b[3~", []),  # arrow up, Ctrl-right, F1, Delete
        ("\x1b[A\x1b", [Order.STOP]),
        ("q\u00e9\u4e2d\ufffd\0", []),
    ],
)
def test_what_was_pressed_is_asked_for_in_order(text: str, asked: list[Order | Switch]) -> None:
    assert Keyboard(Typist([text])).state(0.0, "joint").asked == asked


def test_an_escape_sequence_that_is_torn_apart_stops_the_arm() -> None:
    keyboard = Keyboard(Typist(["\x1b", "[A"]))
    assert keyboard.orders(0.0) == [Order.STOP]


def test_a_terminal_that_is_gone_is_said_every_time() -> None:
    keyboard = Keyboard(Typist(["qq", None, None]))
    keyboard.state(0.0, "joint")
    for _ in range(2):
        with pytest.raises(UnsafeCommandError, match="The terminal is gone, so nobody could stop the arm"):
            keyboard.state(0.1, "joint")


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_ctrl_c_as_a_character_interrupts(key: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        Keyboard(Typist(["q" + key])).state(0.0, "joint")


def test_esc_stops_within_the_turn_and_c_clears() -> None:
    arm = PerfectArm(START)
    _, turns = type_at(arm, ["w", "w", "w", "\x1b", "w", "w", " ", "c", "w", "w"])
    assert [turn.latched is None for turn in turns] == [True] * 3 + [False] * 4 + [True] * 3
    np.testing.assert_array_equal(turns[6].sent, turns[2].sent)
    assert turns[-1].sent[1] > turns[6].sent[1]


KEYS = st.one_of(
    st.sampled_from("qawsedrftgyhm-= cp\x1b"), st.sampled_from(["qq", "\x1b[A", "m ", "wwww"]), st.text(max_size=3)
)
TYPED = st.lists(st.one_of(st.just(""), KEYS), min_size=1, max_size=80)


@settings(max_examples=40, deadline=None)
@given(typed=TYPED, mode=st.sampled_from(["joint", "ee"]), stuck=st.sampled_from([(), ("elbow",), ("base", "wrist")]))
def test_whatever_is_typed_only_what_the_gate_let_through_reaches_the_arm(
    typed: list[str], mode: Mode, stuck: tuple[str, ...]
) -> None:
    arm = PerfectArm(START, stuck=stuck)
    typed = [text.replace("\x03", "").replace("\x04", "") for text in typed]
    _, turns = type_at(arm, typed, mode=mode, speed=1.0)
    before, pose = START, START
    free = np.array([name not in stuck for name in ROARM_M3.joint_names])
    for target in arm.targets:
        assert np.all((target >= LIMITS.lower) & (target <= LIMITS.upper))
        assert np.all(np.abs(target - before) <= LIMITS.max_speed * PERIOD_S + ROUNDING)
        assert np.all(np.abs(target - pose) <= LIMITS.max_lead + ROUNDING)
        before, pose = target, np.where(free, target, pose)
    np.testing.assert_array_equal(turns[-1].sent, arm.targets[-1] if arm.targets else START)
    held = [turn for turn, last in zip(turns[1:], turns, strict=False) if turn.latched and last.latched]
    assert all(turn.wish is None for turn in held)
