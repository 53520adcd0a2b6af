"""Whatever goes into the gate of the RoArm-M3, nothing that breaks a limit comes out: tens of thousands of commands."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.robots.capsules import ArmCapsules
from roarm_lab.robots.collision_guard import Guard
from roarm_lab.robots.gate import Gate
from roarm_lab.robots.gate_config import GateRules, Workspace
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.robots.touching_model import touches, touching_model

ROUNDING = 1e-9  # rad, m: float64 roundings and the guard's own slack
RATE_ROUNDING = 1e-5  # rad/s: the same, divided by steps as short as a millisecond
CONTACT_M = 1e-7  # m: MuJoCo's own rounding of distances
MARGIN_M = 0.003
BETWEEN_M = 0.002  # how much nearer the arm may come between two poses that the gate looks at
CAPSULES = ArmCapsules(ROARM_M3)
HOME = np.array(ROARM_M3.keyframe("home"))
BOX = Workspace(lower_w=(-0.1, -0.35, 0.02), upper_w=(0.45, 0.35, 0.6))
STATION = {"base": (-1.5, 1.5), "gripper": (0.2, 1.2)}
RULES = (GateRules(), GateRules(workspace=BOX, station_limits=STATION))
NASTY = (math.nan, math.inf, -math.inf, 1e308, -1e308, 1e-320)


@dataclass
class Sent:
    """What came out, one row for each command that passed."""

    before: list[Float64] = field(default_factory=list)
    target: list[Float64] = field(default_factory=list)
    measured: list[Float64] = field(default_factory=list)
    dt_s: list[float] = field(default_factory=list)
    blocked: list[bool] = field(default_factory=list)
    follows: list[bool] = field(default_factory=list)
    """Whether nothing (no hold, no refusal) came between it and the row before."""
    commands: int = 0

    def add(self, *row: object) -> None:
        """Keep a row: before, target, measured, dt_s, blocked, follows."""
        columns = (self.before, self.target, self.measured, self.dt_s, self.blocked, self.follows)
        for column, value in zip(columns, row, strict=True):
            column.append(value)  # pyright: ignore[reportArgumentType]


def wild_inputs(gate: Gate, requested: Float64, rng: np.random.Generator) -> tuple[object, Float64, float]:
    """Return a request, a measured pose and a time step; one in ten is nasty in one of them."""
    measured, dt_s = gate.sent + rng.normal(0.0, 0.05, 6), float(rng.choice([0.02, 0.05]))
    match rng.integers(60):
        case 0 | 1:
            return np.where(rng.random(6) < 0.3, rng.choice(NASTY, 6), requested), measured, dt_s
        case 2:
            return requested, rng.uniform(gate.limits.lower, gate.limits.upper), dt_s
        case 3:
            return requested, np.where(rng.random(6) < 0.2, rng.choice(NASTY, 6), measured), dt_s
        case 4:
            return requested, measured, float(rng.choice([*NASTY, 0.0, -1.0, 1e-3, 0.5, 0.3, 0.1, 0.2]))
        case 5:
            return [None, "home", requested[:3], np.tile(requested, 2), [], 1.0][rng.integers(6)], measured, dt_s
        case _:
            return requested, measured, dt_s


def disturbed(gate: Gate, rng: np.random.Generator) -> bool:
    """Hold, stop or overload the gate now and then; return whether that has an effect on what comes next."""
    match rng.integers(60):
        case 0:
            gate.hold()
        case 1:
            gate.estop("a test")
        case _:
            return gate.relieve(rng.uniform(-1.0, 1.0, 6), gate.sent, 0.3)
    return True


def wild_commands(gate: Gate, count: int, seed: int) -> Sent:
    """Send random commands, some of them nasty, on steps of 1 ms to 0.5 s, with holds and overloads in between."""
    rng, sent, follows = np.random.default_rng(seed), Sent(commands=count), False
    requested = gate.sent
    for number in range(count):
        if number % 8 == 0:
            requested = rng.uniform(gate.limits.lower - 1.0, gate.limits.upper + 1.0)
        follows = not disturbed(gate, rng) and follows
        asked, measured, dt_s = wild_inputs(gate, requested, rng)
        before = gate.sent
        try:
            target = gate.target(asked, measured, dt_s)  # pyright: ignore[reportArgumentType]
        except UnsafeCommandError:
            np.testing.assert_array_equal(gate.sent, before)
            gate.clear()
            follows = False
            continue
        sent.add(before, target, measured, dt_s, gate.blocked is not None, follows)
        follows = True
    return sent


def assert_kept(gate: Gate, sent: Sent) -> None:
    """Check every row against every limit: by arithmetic of its own, the capsules and MuJoCo's contacts."""
    before, target, measured = (np.array(rows) for rows in (sent.before, sent.target, sent.measured))
    dt_s, blocked, follows = np.array(sent.dt_s)[:, None], np.array(sent.blocked)[:, None], np.array(sent.follows)
    limits = gate.limits
    assert np.all((limits.lower <= target) & (target <= limits.upper))
    assert np.all(np.abs(target - measured) <= limits.max_lead + ROUNDING)
    rate = (target - before) / dt_s
    pulled = np.abs(target - measured) >= limits.max_lead - ROUNDING
    # Only a pull towards the measured pose, part of which an obstacle may take back, is faster.
    pulled |= blocked & (np.abs(before - measured) > limits.max_lead)
    too_fast = np.abs(rate) > limits.max_speed + RATE_ROUNDING
    assert not np.any(too_fast & ~pulled)
    assert np.all(np.abs(target - measured)[too_fast] < np.abs(before - measured)[too_fast])
    free = follows[1:, None] & ~pulled[1:] & ~pulled[:-1]
    room = limits.max_accel * dt_s[1:] + RATE_ROUNDING
    assert not np.any(free & (np.abs(rate[1:]) - np.abs(rate[:-1]) > room))
    # After an uneven step the end of a range may be reached with more speed than the rest of the way can brake.
    at_end = (target[1:] <= limits.lower) | (target[1:] >= limits.upper)
    assert not np.any(free & ~blocked[1:] & ~at_end & (np.abs(rate[1:] - rate[:-1]) > room))
    assert CAPSULES.clearance_m(target).min() >= MARGIN_M - ROUNDING
    assert not touches(touching_model(table=True), target, CONTACT_M).any()
    for share in np.linspace(0.1, 0.9, 9):  # on the way, between the poses looked at
        assert CAPSULES.clearance_m(before + share * (target - before)).min() >= MARGIN_M - BETWEEN_M
    box = gate.rules.workspace
    if box is not None:
        ends = np.stack(CAPSULES.ends_b(target), axis=-1)
        hand = [i for i, capsule in enumerate(CAPSULES.capsules) if capsule.link in ("link5", "gripper_link")]
        radius = np.array([CAPSULES.capsules[i].radius_m for i in hand])[:, None, None]
        for axis, (low, high) in enumerate(zip(box.lower_w, box.upper_w, strict=True)):
            place = ends[axis, hand] + (ROARM_M3.base_height_m if axis == 2 else 0.0)
            assert np.all(place - radius >= low - ROUNDING)
            assert np.all(place + radius <= high + ROUNDING)


@pytest.mark.parametrize("seed", range(6))
def test_of_12_000_wild_commands_none_breaks_a_limit(seed: int) -> None:
    of_wild_commands_none_breaks_a_limit(2_000, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_of_100_000_more_none_does(seed: int) -> None:
    of_wild_commands_none_breaks_a_limit(10_000, seed)


def of_wild_commands_none_breaks_a_limit(count: int, seed: int) -> None:
    gate = Gate(ROARM_M3, ROARM_M3.keyframe("task_start"), RULES[seed % 2])
    sent = wild_commands(gate, count, seed)
    assert_kept(gate, sent)
    assert len(sent.target) > 0.7 * sent.commands
    assert np.mean(sent.blocked) > 0.02  # things were in the way


ANGLE = st.one_of(st.floats(-3.5, 3.5), st.floats(allow_nan=True, allow_infinity=True))
POSE = st.lists(ANGLE, min_size=6, max_size=6)
NEARBY = st.lists(st.floats(-0.5, 0.5), min_size=6, max_size=6)
TURN = st.tuples(POSE, NEARBY, st.one_of(st.floats(1e-3, 0.5), st.floats(allow_nan=True)))


def test_no_nasty_sequence_gets_through_the_table_or_the_arm_itself() -> None:
    let_through = list[Float64]()

    @settings(deadline=None, max_examples=60)
    @given(turns=st.lists(TURN, max_size=15))
    def check(turns: list[tuple[list[float], list[float], float]]) -> None:
        gate = Gate(ROARM_M3, HOME)
        for requested, off, dt_s in turns:
            measured = gate.sent + off
            try:
                target = gate.target(requested, measured, dt_s)
            except UnsafeCommandError:
                continue
            let_through.append(target)
            assert np.all(np.abs(target - measured) <= gate.limits.max_lead + ROUNDING)
            assert CAPSULES.clearance_m(target[None]).min() >= MARGIN_M - ROUNDING
            assert not touches(touching_model(table=True), target[None], CONTACT_M).any()

    check()
    assert let_through  # a gate that refuses everything would keep that promise as well


@pytest.mark.parametrize("seed", range(3))
def test_an_arm_found_where_it_should_not_be_may_move_but_it_gets_no_worse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    guard, worst = Guard(ROARM_M3, GateRules()), 0.0
    while not -0.02 < worst < -0.005:  # up to 2 cm into the table or into itself
        start = rng.uniform(gate_lower(), gate_upper())
        worst = float(guard.room_m(start[None]).min())
    gate = Gate(ROARM_M3, start)
    before = np.minimum(guard.room_m(start[None])[:, 0], 0.0)
    moved = 0.0
    for number in range(400):
        if number % 20 == 0:
            requested = rng.uniform(gate_lower(), gate_upper())
        last, target = gate.sent, gate.target(requested, gate.sent, 0.05)
        moved += float(np.abs(target - last).max())
        room = guard.room_m(target[None])[:, 0]
        assert np.all(room >= before - ROUNDING)
        before = np.maximum(before, np.minimum(room, 0.0))
    assert moved > 0.5


def gate_lower() -> Float64:
    return np.array([joint.lower_rad for joint in ROARM_M3.joints])


def gate_upper() -> Float64:
    return np.array([joint.upper_rad for joint in ROARM_M3.joints])
