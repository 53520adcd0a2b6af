"""Keys: how long a press counts, what Esc is, and that nothing reaches the arm but what the gate let through."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.robots.limits import JointLimits
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.teleop.jog import Mode, Switch
from roarm_lab.teleop.keyboard import ALONE_S, NUDGE_S, NUDGE_SHARE, QUIET_S, REPEAT_S, Keyboard
from roarm_lab.teleop.session import OperatorCommand
from tests.gateway.perfect_arm import PerfectArm
from tests.teleop.teleop_session import PERIOD_S, START, Typist, type_at

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


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("p", [OperatorCommand.STOP]),
        ("P", [OperatorCommand.STOP]),
        ("\x1b", [OperatorCommand.STOP]),
        ("wp", [OperatorCommand.STOP]),
        (" ", [OperatorCommand.PAUSE]),
        ("m", [Switch.MODE]),
        ("=", [Switch.FASTER]),
        ("-", [Switch.SLOWER]),
        ("wd", [OperatorCommand.HOLD]),  # together: a palm, not a finger
        ("m-=", [OperatorCommand.HOLD]),
        ("q ", [OperatorCommand.HOLD]),
    ],
)
def test_what_was_pressed_is_asked_for(text: str, asked: list[OperatorCommand | Switch]) -> None:
    assert Keyboard(Typist([text])).state(0.0, "joint").asked == asked


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "1",
        "\u00e9",
        "\u00f6",
        "\ufffd",
        "\u2026",
        "\r",
        "\t",
        "\x7f",
        "\x1bq",
        "\x1b[A",
        "\x1bOP",
        "\x1b[1;5C",
        "\x1b[A\x1b",
    ],
)
def test_a_key_without_a_meaning_stops_the_arm(text: str) -> None:
    assert Keyboard(Typist([text])).orders(0.0) == [OperatorCommand.STOP_UNKNOWN]


# What the key P sends on the layouts Hangul, Russian, Ukrainian, Greek, Hebrew, Arabic, Thai, and full-width.
@pytest.mark.parametrize(
    "text", ["\u3154", "\u0437", "\u0417", "\u03c0", "\u05e4", "\u062d", "\u0e22", "\uff50", "\uff30"]
)
def test_a_key_of_another_alphabet_stops_the_arm_and_the_layout_is_named(text: str) -> None:
    arm = PerfectArm(START)
    _, turns = type_at(arm, ["w", text, "", "w"])
    assert "keyboard layout is not Latin" in (turns[1].latched or "")
    assert turns[-1].latched == turns[1].latched
    np.testing.assert_array_equal(turns[-1].sent, turns[0].sent)


def orders_at(texts: dict[float, str], until_s: float = 10.0) -> list[OperatorCommand]:
    """Type texts at times, look in every turn, and return all orders."""
    turns = [round(turn * PERIOD_S, 9) for turn in range(round(until_s / PERIOD_S))]
    assert set(texts) <= set(turns)
    keyboard = Keyboard(Typist([texts.get(turn, "") for turn in turns]))
    return [order for turn in turns for order in keyboard.orders(turn)]


def test_clear_counts_when_it_comes_alone() -> None:
    assert orders_at({0.0: "p", 1.0: "c"}) == [OperatorCommand.STOP, OperatorCommand.CLEAR]
    assert orders_at({0.0: "p", 1.0: "C"}) == [OperatorCommand.STOP, OperatorCommand.CLEAR]
    assert orders_at({0.0: "p", 0.5: "c"}) == [OperatorCommand.STOP]  # too soon; it is pressed again
    assert orders_at({0.0: "p", 0.5: "c", 1.1: "c"}) == [OperatorCommand.STOP]  # still too soon after the one before
    assert orders_at({0.0: "p", 0.5: "c", 1.5: "c"}) == [OperatorCommand.STOP, OperatorCommand.CLEAR]
    assert orders_at({0.0: "p", 2.0: "cc"}) == [OperatorCommand.STOP]  # two at once are not one
    assert orders_at({0.0: "[", 0.9: "c", 1.8: "c"}) == [OperatorCommand.STOP_UNKNOWN]  # a colour that comes in pieces
    assert orders_at({0.0: "p", 2.0: "c", 2.1: "w"}) == [OperatorCommand.STOP]  # something follows
    assert orders_at({0.0: "p", 2.0: "pc"}) == [OperatorCommand.STOP, OperatorCommand.STOP]


def test_after_what_is_no_key_the_first_clear_may_be_the_rest_of_it() -> None:
    """However late a network brings the last byte of an answer."""
    assert orders_at({0.0: "[?62;22", 3.0: "c"}) == [OperatorCommand.STOP_UNKNOWN]
    assert orders_at({0.0: "x", 3.0: "c", 5.0: "c"}) == [OperatorCommand.STOP_UNKNOWN, OperatorCommand.CLEAR]


def test_a_held_space_pauses_once() -> None:
    held = {round(turn * PERIOD_S, 9): " " for turn in range(0, 40, 3)}
    assert orders_at(held) == [OperatorCommand.PAUSE]
    assert orders_at({0.0: "  "}) == [OperatorCommand.PAUSE]
    assert orders_at({0.0: " ", 1.0: " "}) == [OperatorCommand.PAUSE] * 2
    assert axes_at({0.0: " ", 0.3: "q", 0.5: " "}, 0.5 + SOON_S) == (0, 0, 0, 0, 0, 0)  # and ends a motion all the same


def test_a_held_clear_clears_once() -> None:
    held = {2.0: "c", **{round(2.5 + turn * PERIOD_S, 9): "c" for turn in range(20)}}
    assert orders_at({0.0: "p", **held}).count(OperatorCommand.CLEAR) >= 1
    assert orders_at({0.0: "p", 2.0: "c"}, until_s=2.0 + ALONE_S) == [OperatorCommand.STOP]


# What terminals send by themselves: answers about their attributes, name, colours, position, keyboard and graphics;
# mouse (X10, SGR, urxvt), focus, pasted text; keys in two newer notations.
REPLIES = {
    "attributes": "\x1b[?62;1;6;22c",
    "more attributes": "\x1b[>1;4000;29c",
    "third attributes": "\x1bP!|00000000\x1b\\",
    "vt100": "\x1b[?1;2c",
    "name": "\x1bP>|tmux 3.3a\x1b\\",
    "another name": "\x1bP>|xterm(388)\x1b\\",
    "capability": "\x1bP1+r436f=323536\x1b\\",
    "setting": "\x1bP1$r0m\x1b\\",
    "colour": "\x1b]11;rgb:1c1c/cccc/eded\x07",
    "palette": "\x1b]4;1;rgb:cdcd/0000/0000\x1b\\",
    "title": "\x1b]lread me c\x1b\\",
    "position": "\x1b[24;80R",
    "status": "\x1b[0n",
    "mode": "\x1b[?2026;2$y",
    "keyboard": "\x1b[?1u",
    "graphics": "\x1b_Gi=1;OK\x1b\\",
    "window": "\x1b[8;24;80t",
    "mouse": "\x1b[M cq\x1b[M#cq",
    "mouse sgr": "\x1b[<35;99;12M\x1b[<0;9;1m",
    "mouse urxvt": "\x1b[35;99;12M",
    "focus": "\x1b[I\x1b[O",
    "paste": "\x1b[200~cat w c q m =\x1b[201~",
    "key": "\x1b[99;5u",
    "other key": "\x1b[27;5;99~",
}
HARMLESS = {OperatorCommand.HOLD, OperatorCommand.STOP, OperatorCommand.STOP_UNKNOWN, OperatorCommand.STOP_LAYOUT}


@settings(max_examples=300, deadline=None)
@given(
    reply=st.sampled_from(sorted(REPLIES)),
    bare=st.booleans(),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    apart=st.lists(st.integers(1, round(0.9 * QUIET_S / PERIOD_S)), min_size=8, max_size=8),
)
def test_what_a_terminal_sends_by_itself_at_most_stops(
    reply: str, bare: bool, cuts: list[int], apart: list[int]
) -> None:
    text = REPLIES[reply].removeprefix("\x1b") if bare else REPLIES[reply]
    edges = [0, *sorted({cut for cut in cuts if cut < len(text)}), len(text)]
    pieces = [text[first:last] for first, last in pairwise(edges) if first < last]
    typed = [each for piece, turns in zip(pieces, apart, strict=False) for each in (piece, *[""] * (turns - 1))]
    typed += [""] * round(2 * QUIET_S / PERIOD_S)
    keyboard = Keyboard(Typist(typed))
    states = [keyboard.state(100.0 + turn * PERIOD_S, "joint") for turn in range(len(typed))]
    assert {asked for state in states for asked in state.asked} <= HARMLESS
    assert not any(any(state.axes) for state in states)


def test_the_emergency_stop_survives_a_terminals_answer() -> None:
    arm = PerfectArm(START)
    _, turns = type_at(arm, ["w", "p", *[""] * 30, "[?62;22", "c", "", "q", "w", *[""] * 10])
    assert turns[-1].latched == OperatorCommand.STOP.value
    np.testing.assert_array_equal(turns[-1].sent, turns[0].sent)


def test_a_person_who_asks_is_shown_the_keys() -> None:
    asked: list[str] = []
    keyboard = Keyboard(Typist(["?", "[?62;22c"]), lambda: asked.append("keys"))
    assert [list(keyboard.orders(0.0)), asked] == [[], ["keys"]]
    keyboard.orders(5.0)
    assert asked == ["keys"]


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
    later = [""] * round(QUIET_S / PERIOD_S)
    wait = [""] * (round(ALONE_S / PERIOD_S) + 1)
    _, turns = type_at(arm, ["w", "w", "w", "\x1b", "w", "w", " ", *later, "c", *wait, "w", "w"])
    held = 4 + len(later)
    assert [turn.latched is None for turn in turns[:3]] == [True] * 3
    assert not any(turn.latched is None for turn in turns[3 : 3 + held])
    assert [turn.latched for turn in turns[-2:]] == [None, None]
    np.testing.assert_array_equal(turns[held].sent, turns[2].sent)
    assert turns[-1].sent[1] > turns[held].sent[1]


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
    assert all(turn.requested is None for turn in held)
