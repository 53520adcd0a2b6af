"""A policy that needs to see boxes sees on an arm what it saw in training, and where it can not see the arm is held."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.arrays import Float32
from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError, UnsafeCommandError
from roarm_lab.envs.env import Env
from roarm_lab.gateway.arm_policy import ArmPolicy, check_sources
from roarm_lab.gateway.loop import Cycle, CycleLog, fresh_sight, run_episode
from roarm_lab.mdp.object_observations import BoxVel, Touching
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.contract import InterfaceError
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.perception import BoxTruth, Sight
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.sim.backend import SimConfig
from roarm_lab.tasks.lift_cube import lift_cube
from tests.bundles import constant, contract_of, inputs_of, wild_bundle, with_network
from tests.gateway.perfect_arm import Look, PerfectArm
from tests.grasp_scene import close_around_cube, hand_pos_w

START = np.array(ROARM_M3.keyframe("task_start"))
TASK = replace(lift_cube(), sim=replace(lift_cube().sim, threads=1))
CUBE_W, QUAT = [0.25, 0.05, 0.015], [1.0, 0.0, 0.0, 0.0]
GOAL = {"goal": np.float32([[0.25, 0.0, 0.2]])}
DT_S = 0.05
CYCLES = 60
SAME_STATE = 1e-5  # the same moment, through float64 and back; the largest scale of a term is 8
TWO_ROADS = 1e-3  # gate and arm compute in float64, training in float32: see test_arm_policy
ROUNDING = 1e-9


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return wild_bundle(tmp_path_factory.mktemp("b") / "bundle", TASK)


@pytest.fixture
def policy(bundle: Bundle) -> ArmPolicy:
    return ArmPolicy(bundle, ROARM_M3)


@pytest.fixture
def gripping(bundle: Bundle, tmp_path: Path) -> ArmPolicy:
    """A policy that stands still and keeps the gripper shut."""
    shut = constant([0.0, 0.0, 0.0, 0.0, 0.0, -1.0], inputs_of(TASK))
    return ArmPolicy(load_bundle(with_network(bundle, shut, tmp_path / "gripping")), ROARM_M3)


def cube_at(time_s: float, pos_w: object = CUBE_W) -> Sight:
    return Sight.of(time_s, ["cube"], [pos_w], [QUAT])  # type: ignore[list-item]


def lift_arm() -> SimArm:
    return SimArm(ROARM_M3, clock=SimulatedClock(), start_joint_pos=START, config=TASK.sim)


def with_cube_in_hand() -> tuple[SimArm, dict[str, Float32]]:
    """Return an arm that holds the cube, and the command to hold it just there."""
    arm = lift_arm()
    close_around_cube(arm)
    return arm, {"goal": hand_pos_w(arm.read().joint_pos)[None].astype(np.float32)}


# What it sees and does.


def test_the_same_moments_give_the_same_observations_as_in_training(bundle: Bundle, policy: ArmPolicy) -> None:
    env = Env(TASK, 1)
    seen, moved_m = env.reset(3)["actor"], 0.0
    first_w = env.state.box_pos_w[0, 0].copy()
    env.backend.set("box_vel_w", np.float32([[[0.3, -0.2, 0.8]]]))  # thrown, so that every moment is another
    for step in range(env.config.episode_steps - 1):
        state, time_s = env.state, step * DT_S
        sight = Sight.of(time_s, ["cube"], state.box_pos_w[0], state.box_quat_w[0])
        sample = ArmSample.of(time_s, state.joint_pos[0])
        observation = policy.observe(sample, state.joint_target[0].astype(np.float64), env.state.commands, sight)
        assert list(observation.terms) == list(seen)
        for name, wanted in seen.items():
            np.testing.assert_allclose(observation.terms[name], wanted[0], rtol=0.0, atol=SAME_STATE, err_msg=name)
        distance_m = np.linalg.norm(state.commands["goal"] - state.box_pos_w[:, 0])
        assert policy.distance_m() == pytest.approx(distance_m, abs=1e-6)
        moved_m = max(moved_m, float(np.linalg.norm(state.box_pos_w[0, 0] - first_w)))
        policy.infer(observation)
        seen = env.step(bundle.policy.infer(seen)[:, 0]).observations["actor"]
    assert moved_m > 0.05
    env.close()


@pytest.mark.parametrize("seed", range(2))
def test_an_arm_with_a_cube_does_what_an_environment_does(bundle: Bundle, policy: ArmPolicy, seed: int) -> None:
    env = Env(TASK, 1)
    seen = env.reset(seed)["actor"]
    # The policy waves about and hits the table, which training lets it do.
    free = GateRules(table_height_m=None, self_margin_m=None, effort=None)
    start = env.state.joint_pos[0]
    arm = SimArm(ROARM_M3, clock=SimulatedClock(), start_joint_pos=start, config=TASK.sim, rules=free)
    arm.place_box("cube", env.state.box_pos_w[0, 0], env.state.box_quat_w[0, 0])
    commands = {"goal": env.state.commands["goal"].copy()}
    for step in range(20):
        observation = policy.observe(arm.read(), arm.sent, commands, arm.see())
        for name, wanted in seen.items():
            np.testing.assert_allclose(
                observation.terms[name], wanted[0], rtol=0.0, atol=TWO_ROADS, err_msg=f"{name} at step {step}"
            )
        arm.send(policy.infer(observation).joint_target[0], DT_S)
        arm.clock.sleep_until_s(arm.clock.now_s() + DT_S)
        seen = env.step(bundle.policy.infer(seen)[:, 0]).observations["actor"]
    arm.close()
    env.close()


def test_boxes_are_picked_by_name(policy: ArmPolicy) -> None:
    both = Sight.of(0.0, ["brick", "cube"], [[9.0, 9.0, 9.0], CUBE_W], [QUAT, QUAT])
    alone = policy.observe(ArmSample.of(0.0, START), START, GOAL, cube_at(0.0)).terms
    policy.reset()
    among_others = policy.observe(ArmSample.of(0.0, START), START, GOAL, both).terms
    assert set(among_others) == set(alone) != set()
    for name, values in among_others.items():
        np.testing.assert_array_equal(values, alone[name])


def test_without_a_look_there_is_no_observation(policy: ArmPolicy) -> None:
    sample = ArmSample.of(0.0, START)
    with pytest.raises(BadInputError, match="The policy needs to see cube: hand over what the arm sees"):
        policy.observe(sample, START, GOAL)
    with pytest.raises(MissingError, match="No box can be seen: the lens is covered"):
        policy.observe(sample, START, GOAL, Sight.failed(0.0, "the lens is covered"))
    with pytest.raises(UnknownNameError, match="There is no box named 'cube'"):
        policy.observe(sample, START, GOAL, Sight.of(0.0, ["brick"], [CUBE_W], [QUAT]))


# How an episode begins.


def test_boxes_are_drawn_as_in_training(policy: ArmPolicy) -> None:
    rng = np.random.default_rng(0)
    poses = np.array([policy.draw_boxes(rng)["cube"] for _ in range(200)])
    radius, azimuth = np.hypot(poses[:, 0], poses[:, 1]), np.arctan2(poses[:, 1], poses[:, 0])
    assert radius.min() > 0.18 - ROUNDING
    assert 0.30 < radius.max() < 0.32 + 1e-6
    assert -math.pi / 3 - 1e-6 < azimuth.min() < -0.8
    assert 0.8 < azimuth.max() < math.pi / 3 + 1e-6
    np.testing.assert_allclose(poses[:, 2], 0.015)
    np.testing.assert_allclose(np.linalg.norm(poses[:, 3:], axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(policy.draw_boxes(np.random.default_rng(0))["cube"], poses[0])


def test_boxes_suit_a_goal_that_a_person_chose(policy: ArmPolicy) -> None:
    rng, goal = np.random.default_rng(0), policy.commands({"goal": (0.15, -0.15, 0.2)})
    for _ in range(50):
        pose = policy.draw_boxes(rng, goal)["cube"]
        assert abs(math.atan2(pose[1], pose[0]) + math.pi / 4) < math.radians(40) + 1e-5
    behind = policy.commands({"goal": (-0.25, 0.0, 0.2)})
    with pytest.raises(BadInputError, match=r"not trained to carry a box to 'goal' \(-0.25, 0, 0.2\) from any place"):
        policy.draw_boxes(rng, behind)


def test_random_goals_are_near_the_box_that_is_seen(policy: ArmPolicy) -> None:
    rng = np.random.default_rng(0)
    goals = np.array([policy.draw_commands(rng, cube_at(0.0, [0.1, 0.2, 0.015]))["goal"][0] for _ in range(50)])
    turn = np.arctan2(goals[:, 1], goals[:, 0]) - math.atan2(0.2, 0.1)
    assert np.all(np.abs(turn) <= math.radians(40) + 1e-5)
    assert turn.min() < -0.3 < 0.3 < turn.max()
    with pytest.raises(BadInputError, match="needs to see cube"):
        policy.draw_commands(rng)


# Success is judged by who can know.


def test_a_held_cube_is_a_success_for_a_judge_who_knows(gripping: ArmPolicy) -> None:
    arm, goal = with_cube_in_hand()
    cycles: list[Cycle] = []
    done = run_episode(arm, gripping, goal, seconds=1.0, watch=cycles.append, truth=arm.truth)
    assert (done.success, done.held) == (True, None)
    assert all(cycle.success for cycle in cycles)
    assert done.distance_m is not None
    assert done.distance_m < 0.025


def test_a_cube_that_slips_away_is_no_success(bundle: Bundle, tmp_path: Path) -> None:
    arm, goal = with_cube_in_hand()
    open_hand = constant([0.0, 0.0, 0.0, 0.0, 0.0, 1.0], inputs_of(TASK))
    opening = ArmPolicy(load_bundle(with_network(bundle, open_hand, tmp_path / "b")), ROARM_M3)
    done = run_episode(arm, opening, goal, seconds=1.0, truth=arm.truth)
    assert (done.success, done.held) == (False, None)


def test_where_nobody_can_tell_success_is_unknown(gripping: ArmPolicy, tmp_path: Path) -> None:
    arm, goal = with_cube_in_hand()
    path = tmp_path / "cycles.jsonl"
    done = run_episode(arm, gripping, goal, seconds=0.5, log=CycleLog(path.open("xb", buffering=0)))
    assert (done.success, done.held) == (None, None)
    assert done.distance_m is not None
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(line["success"] is None for line in lines)
    np.testing.assert_allclose([line["box_pos_w"][0] for line in lines], np.tile(goal["goal"], (10, 1)), atol=0.01)


def test_being_near_without_being_touched_is_not_held(policy: ArmPolicy) -> None:
    sight, none = cube_at(0.0, GOAL["goal"][0]), np.zeros((1, 2), dtype=bool)
    policy.observe(ArmSample.of(0.0, START), START, GOAL, sight)
    assert policy.distance_m() == 0.0
    assert policy.is_success() is None
    assert policy.is_success(BoxTruth(sight, none)) is False
    assert policy.is_success(BoxTruth(sight, ~none)) is True
    far = cube_at(0.0, GOAL["goal"][0] + [0.03, 0.0, 0.0])
    assert policy.is_success(BoxTruth(far, ~none)) is False  # the judge goes by the truth, not by what was seen


# What goes wrong.


def from_half_a_second(bad: Look) -> Look:
    """Return what is seen by an arm that has a good view for half a second."""
    return lambda now_s: bad(now_s) if now_s >= 100.5 - ROUNDING else cube_at(now_s)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (lambda now_s: Sight.failed(now_s, "the lens is covered"), "The boxes can not be seen: the lens is covered"),
        (lambda now_s: cube_at(now_s - 0.16), "The newest look is 0.160 s old; the limit is 0.150 s"),
        (lambda now_s: cube_at(now_s + 0.01), "The newest look is -0.010 s old"),
        (lambda now_s: cube_at(math.nan), "The newest look is nan s old"),
        (lambda now_s: Sight.of(now_s, ["brick"], [CUBE_W], [QUAT]), "There is no box named 'cube'"),
    ],
)
def test_a_bad_look_holds_the_arm(policy: ArmPolicy, bad: Look, reason: str) -> None:
    arm = PerfectArm(START, look=from_half_a_second(bad))
    done = run_episode(arm, policy, GOAL)
    assert reason in str(done.held)
    assert arm.latched == done.held
    assert done.success is False  # it was held: that much is known
    assert done.cycles == 9  # ticks at 0.05 to 0.45 s were good ones
    np.testing.assert_array_equal(arm.targets[-1], arm.targets[-2])  # the hold repeats the last target


def test_a_good_look_holds_nothing(policy: ArmPolicy) -> None:
    arm = PerfectArm(START, look=lambda now_s: cube_at(now_s - 0.099))
    assert fresh_sight(arm, 0.1).valid
    done = run_episode(arm, policy, GOAL)
    assert (done.held, done.cycles) == (None, CYCLES)


def test_an_arm_without_a_camera_is_held_at_once(policy: ArmPolicy) -> None:
    arm = PerfectArm(START)
    assert "this arm has no camera" in str(run_episode(arm, policy, GOAL).held)
    np.testing.assert_array_equal(arm.sent, START)
    with pytest.raises(UnsafeCommandError, match="this arm has no camera"):
        fresh_sight(arm, 0.1)


def test_an_arm_without_a_camera_is_refused_before_that(bundle: Bundle) -> None:
    with pytest.raises(InterfaceError, match=r"'cube' \(perception\), 'cube_from_hand' \(perception\)"):
        check_sources(bundle, PerfectArm(START).provides)
    check_sources(bundle, PerfectArm(START, look=cube_at).provides)
    check_sources(bundle, lift_arm().provides)
    with pytest.raises(InterfaceError):
        check_sources(bundle, SimArm(ROARM_M3, clock=SimulatedClock(), config=SimConfig()).provides)


def test_a_policy_that_is_blind_to_its_boxes_is_refused_at_load(bundle: Bundle) -> None:
    seen = [term for term in bundle.contract.interface["observations"] if term["source"] != "perception"]
    blind = replace(
        bundle, contract=replace(bundle.contract, interface=bundle.contract.interface | {"observations": seen})
    )
    reason = r"has boxes \(cube\), but no term that it observes has the source perception"
    with pytest.raises(InterfaceError, match=reason):
        ArmPolicy(blind, ROARM_M3)
    with pytest.raises(InterfaceError, match=reason):
        check_sources(blind, lift_arm().provides)


def test_a_damaged_list_of_boxes_is_refused(bundle: Bundle) -> None:
    damaged = replace(bundle, contract=replace(bundle.contract, interface=bundle.contract.interface | {"boxes": [3]}))
    with pytest.raises(InterfaceError, match="The contract's list of boxes can not be read"):
        ArmPolicy(damaged, ROARM_M3)


def test_what_only_a_simulator_knows_is_refused_by_name_even_there(bundle: Bundle) -> None:
    actor = {**TASK.observations["actor"], "cube_vel": BoxVel(), "touching": Touching()}
    contract = contract_of(replace(TASK, observations={**TASK.observations, "actor": actor}))
    with pytest.raises(InterfaceError, match=r"needs: 'cube_vel' \(sim_only\), 'touching' \(sim_only\)\. It provides"):
        check_sources(replace(bundle, contract=contract), lift_arm().provides)
