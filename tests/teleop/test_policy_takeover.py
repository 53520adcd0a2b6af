"""A policy that drives, and a person who interrupts and takes over."""

from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.gateway.arm_policy import ArmPolicy
from roarm_lab.gateway.loop import SLOW_RAD_S, fresh_sight
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.teleop.jog import Jog
from roarm_lab.teleop.keyboard import Keyboard
from roarm_lab.teleop.policy_takeover import PolicyDriver, Wanted
from roarm_lab.teleop.session import TeleopTurn, teleoperate
from tests.bundles import wild_bundle
from tests.teleop.teleop_session import PERIOD_S, Typist

HOME = np.array(ROARM_M3.keyframe("home"))
THERE = 60  # turns after which the slow way to the start (1.37 rad at 0.6 rad/s) is done
ROUNDING = 1e-9


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> ArmPolicy:
    folder = tmp_path_factory.mktemp("bundle") / "wild"
    wild_bundle(folder)
    return ArmPolicy(load_bundle(folder), ROARM_M3)


def watch_it(policy: ArmPolicy, keys: dict[int, str], turns: int, *, seed: int = 0) -> list[TeleopTurn]:
    seen: list[TeleopTurn] = []
    texts = [keys.get(turn, "") for turn in range(turns)]
    with SimArm(ROARM_M3, clock=SimulatedClock(), start_joint_pos=HOME) as arm:
        jog = Jog(ROARM_M3, Keyboard(Typist(texts)), PERIOD_S)
        driver = PolicyDriver(policy, jog, wanted=Wanted(seed=seed))
        teleoperate(arm, driver, watch=[seen.append], seconds=turns * PERIOD_S)
    return seen


def speed_of(turns: list[TeleopTurn]) -> float:
    return float(np.max(np.abs(np.diff([turn.sent for turn in turns], axis=0)))) / PERIOD_S


def test_it_goes_to_the_start_slowly_and_then_drives_episode_after_episode(policy: ArmPolicy) -> None:
    seen = watch_it(policy, {}, THERE + 110)
    slow = [turn for turn in seen if turn.note == "slowly to its start"]
    assert 40 < len(slow) < THERE
    assert speed_of(slow) <= SLOW_RAD_S + ROUNDING
    np.testing.assert_allclose(slow[-1].sent, policy.start_pose, atol=0.03)
    assert [turn.note for turn in seen if turn.note.startswith("episode")][::50][:3] == [
        "episode 1",
        "episode 2",
        "episode 3",
    ]
    assert speed_of(seen[THERE:]) > 1.0  # a wild one
    assert seen[-1].latched is None


def test_space_takes_the_arm_away_from_the_policy_and_gives_it_back(policy: ArmPolicy) -> None:
    seen = watch_it(policy, {THERE + 10: " ", THERE + 40: " "}, THERE + 60)
    by_hand = seen[THERE + 11 : THERE + 40]
    assert {turn.note for turn in by_hand} == {"by hand, joints 35%"}
    assert (
        len({turn.requested.tobytes() for turn in by_hand if turn.requested is not None}) == 1
    )  # it stays where it was
    assert speed_of(by_hand[12:]) == 0.0  # after braking
    assert seen[THERE + 41].note == "slowly to its start"


def test_a_motion_key_takes_over_at_once_and_moves_the_arm(policy: ArmPolicy) -> None:
    seen = watch_it(policy, {THERE + 10: "qqqq"}, THERE + 30)
    assert {turn.note for turn in seen[THERE + 10 :]} == {"by hand, joints 35%"}
    first, last = (turn.requested for turn in (seen[THERE + 10], seen[-1]))
    assert first is not None
    assert last is not None
    assert last[0] > first[0]
    np.testing.assert_array_equal(first[1:], last[1:])


def test_after_an_emergency_stop_the_keyboard_has_the_arm(policy: ArmPolicy) -> None:
    seen = watch_it(policy, {THERE + 10: "p", THERE + 40: "c"}, THERE + 60)
    assert [turn.latched is None for turn in seen[THERE + 9 : THERE + 41]] == [True, *[False] * 31]
    assert (seen[-1].latched, seen[-1].note) == (None, "by hand, joints 35%")
    np.testing.assert_array_equal(seen[-1].sent, seen[THERE + 10].sent)


@pytest.mark.parametrize("key", ["x", "\u3154", "\u0437", "\uff50", "\x1b[A"])
def test_any_key_that_is_not_known_stops_a_policy_that_drives(policy: ArmPolicy, key: str) -> None:
    seen = watch_it(policy, {THERE + 10: key}, THERE + 40)
    assert seen[THERE + 9].latched is None
    assert all("stops the arm" in (turn.latched or "") for turn in seen[THERE + 10 :])
    np.testing.assert_array_equal(seen[-1].sent, seen[THERE + 10].sent)


def test_the_same_seed_is_asked_for_the_same(policy: ArmPolicy) -> None:
    first, again, other = (watch_it(policy, {}, THERE + 60, seed=seed)[-1].sent for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_a_policy_with_boxes_looks_for_them_and_is_held_when_it_can_not(tmp_path: Path) -> None:
    task = lift_cube()
    wild_bundle(tmp_path / "lift", task)
    policy = ArmPolicy(load_bundle(tmp_path / "lift"), ROARM_M3)
    for sim, reason in ((task.sim, None), (None, "there are no boxes on this arm's table")):
        with SimArm(ROARM_M3, clock=SimulatedClock(), start_joint_pos=policy.start_pose, config=sim) as arm:
            if sim is not None:
                arm.place_box("cube", [0.25, 0.0, 0.015])
            driver = PolicyDriver(policy, look=lambda arm=arm: fresh_sight(arm, 0.1))
            log = teleoperate(arm, driver, seconds=2.0)
            assert log.held is None if reason is None else reason in str(log.held)
