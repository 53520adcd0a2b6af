"""A policy on an arm sees and does what it saw and did in training."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.envs.env import Env
from roarm_lab.gateway.arm_policy import ArmPolicy, check_sources
from roarm_lab.mdp.commands import ReachablePosition, reachable_positions_w
from roarm_lab.mdp.holding import Holding
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.contract import InterfaceError
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.tasks.reach import reach
from tests.bundles import ACTIONS, constant, inputs_of, still_bundle, wild_bundle, with_network
from tests.toy_robot import TOY

START = np.array(ROARM_M3.keyframe("task_start"))
GOAL = np.float32([0.3, 0.1, 0.2])
DT_S = 0.05
# Gate and arm compute in float64, training in float32; dry friction that lets go a step earlier in one of them makes
# more of it. Largest of 20 episodes of a wildly waving arm: 3.4e-4 in an observation, 9.5e-5 rad in a target.
TWO_ROADS = 1e-3


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return wild_bundle(tmp_path_factory.mktemp("b") / "bundle")


AS_IN_TRAINING = GateRules(table_height_m=None, self_margin_m=None, effort=None)
"""These policies wave about and hit the table and themselves, which training lets them do."""


@pytest.fixture
def policy(bundle: Bundle) -> ArmPolicy:
    return ArmPolicy(bundle, ROARM_M3)


def changed(bundle: Bundle, change: Callable[[dict[str, Any]], object]) -> Bundle:
    """Return the bundle with an interface that was changed in a deep copy."""
    interface = copy.deepcopy(dict(bundle.contract.interface))
    change(interface)
    return replace(bundle, contract=replace(bundle.contract, interface=interface))


def sample(time_s: float, joint_pos: np.ndarray = START) -> ArmSample:
    return ArmSample.of(time_s, joint_pos)


@pytest.mark.parametrize("seed", range(4))
def test_arm_and_environment_give_the_same_observations_and_targets(bundle: Bundle, seed: int) -> None:
    env = Env(replace(reach(), sim=replace(reach().sim, threads=1)), 1)
    seen = env.reset(seed)["actor"]
    clock = SimulatedClock()
    arm = SimArm(ROARM_M3, clock=clock, start_joint_pos=env.state.joint_pos[0], rules=AS_IN_TRAINING)
    policy = ArmPolicy(bundle, ROARM_M3)
    commands = {"goal": env.state.commands["goal"].copy()}
    moved = np.zeros(6)
    for step in range(env.config.episode_steps):
        observation = policy.observe(arm.read(), arm.sent, commands)
        assert list(observation.terms) == list(seen)
        for name, wanted in seen.items():
            np.testing.assert_allclose(
                observation.terms[name], wanted[0], rtol=0.0, atol=TWO_ROADS, err_msg=f"{name} at step {step}"
            )
        # The task scales the way to the goal by 5.
        assert policy.distance_m() == pytest.approx(np.linalg.norm(seen["goal_from_tcp"]) / 5.0, abs=TWO_ROADS)
        state = policy._now(policy._state)  # also what no term of this task looks at
        for name in ("action", "last_action", "episode_time_s", "joint_target", "site_pos_w"):
            np.testing.assert_allclose(
                getattr(state, name), getattr(env.state, name), rtol=0.0, atol=TWO_ROADS, err_msg=f"{name} at {step}"
            )
        requested = policy.infer(observation).joint_target
        assert requested.shape == (1, 6)
        sent = arm.send(requested[0], DT_S)
        clock.sleep_until_s(clock.now_s() + DT_S)
        result = env.step(bundle.policy.infer(seen)[:, 0])
        np.testing.assert_allclose(sent, env.moved.joint_target[0], rtol=0.0, atol=TWO_ROADS)
        moved = np.maximum(moved, np.abs(arm.read().joint_pos - START))
        seen = result.observations["actor"]
    assert np.all(moved > 0.2)  # it really waved, with all joints
    arm.close()
    env.close()


def test_success_is_judged_as_in_training(bundle: Bundle) -> None:
    policy = ArmPolicy(bundle, ROARM_M3)
    tip_b = Kinematics(ROARM_M3).site_pos_b(START[None], ("hand_tcp",))[0, 0]
    tip_w = (tip_b + np.array([0.0, 0.0, ROARM_M3.base_height_m])).astype(np.float32)
    for off_m, good in ((0.0, True), (0.019, True), (0.021, False)):
        goal = {"goal": (tip_w + np.float32([off_m, 0.0, 0.0]))[None]}
        policy.reset()
        policy.observe(sample(0.0), START, goal)
        assert policy.distance_m() == pytest.approx(off_m, abs=1e-6)
        assert policy.is_success() is good


def test_a_policy_for_another_robot_is_refused(bundle: Bundle) -> None:
    with pytest.raises(
        InterfaceError, match=r"is for 'roarm_m3' with joints \['base', .*this arm is 'toy' with \['base'"
    ):
        ArmPolicy(bundle, TOY)


def test_joints_in_another_order_are_refused(bundle: Bundle) -> None:
    turned = changed(bundle, lambda interface: interface["joints"].reverse())
    with pytest.raises(InterfaceError, match=r"joints \['gripper', 'roll', .*this arm is 'roarm_m3' with \['base'"):
        ArmPolicy(turned, ROARM_M3)


@pytest.mark.parametrize("source", ["perception", "sim_only"])
def test_what_an_arm_can_not_provide_is_refused_by_name(bundle: Bundle, source: str) -> None:
    provides = frozenset({"measured", "derived"})
    check_sources(bundle, provides)

    def need(interface: dict[str, Any]) -> None:
        interface["observations"][2]["source"] = source
        interface["observations"][5]["source"] = source

    with pytest.raises(
        InterfaceError, match=rf"'target_lead' \({source}\), 'goal_turn' \({source}\).*derived or measured"
    ) as caught:
        check_sources(changed(bundle, need), provides)
    assert caught.value.exit_code == 2
    if source == "perception":
        check_sources(changed(bundle, need), provides | {"perception"})


def test_the_first_observation_is_at_rest(policy: ArmPolicy) -> None:
    seen = policy.observe(sample(5.0), START, {"goal": GOAL[None]})
    assert seen.observed_at_s == 5.0
    np.testing.assert_array_equal(seen.terms["joint_vel"], np.zeros(6))
    np.testing.assert_array_equal(seen.terms["last_action"], np.zeros(6))
    np.testing.assert_allclose(seen.terms["joint_pos"], START, atol=1e-6)
    np.testing.assert_allclose(seen.terms["target_lead"], np.zeros(6), atol=1e-6)
    np.testing.assert_allclose(seen.terms["goal"], 4.0 * GOAL, atol=1e-6)
    assert {name: values.shape for name, values in seen.terms.items()} == {
        name: (size,) for name, size in inputs_of(reach()).items()
    }


@pytest.mark.parametrize(("elapsed_s", "speed"), [(0.05, 0.2), (0.1, 0.1), (0.04, 0.25)])
def test_speed_is_the_change_of_angle_over_the_time_that_went_by(
    policy: ArmPolicy, elapsed_s: float, speed: float
) -> None:
    policy.observe(sample(1.0), START, {"goal": GOAL[None]})
    seen = policy.observe(sample(1.0 + elapsed_s, START + 0.01), START, {"goal": GOAL[None]})
    # The contract's scale for speeds is 0.2. In the second case a turn of the loop was left out.
    np.testing.assert_allclose(seen.terms["joint_vel"], np.full(6, 0.2 * speed), rtol=1e-3)


def test_the_same_measurement_again_does_not_change_the_speed(policy: ArmPolicy) -> None:
    commands = {"goal": GOAL[None]}
    policy.observe(sample(1.0), START, commands)
    moving = policy.observe(sample(1.05, START + 0.01), START, commands).terms["joint_vel"]
    again = policy.observe(sample(1.05, START + 0.01), START, commands).terms["joint_vel"]
    np.testing.assert_array_equal(again, moving)


def test_a_new_episode_knows_nothing_of_the_last(policy: ArmPolicy) -> None:
    commands = {"goal": GOAL[None]}
    first = policy.observe(sample(1.0), START, commands)
    policy.infer(first)
    assert np.any(policy.observe(sample(1.05, START + 0.02), START, commands).terms["last_action"] != 0.0)
    policy.reset()
    again = policy.observe(sample(9.0), START, commands)
    for name, values in first.terms.items():
        np.testing.assert_array_equal(again.terms[name], values)


def test_the_last_action_is_the_clipped_one(bundle: Bundle, tmp_path: Path) -> None:
    strong = load_bundle(with_network(bundle, constant([3.0, -0.5, 0, 0, 0, 0], inputs_of(reach())), tmp_path / "b"))
    policy = ArmPolicy(strong, ROARM_M3)
    commands = {"goal": GOAL[None]}
    chunk = policy.infer(policy.observe(sample(1.0), START, commands))
    np.testing.assert_allclose(chunk.joint_target[0] - START, [0.125, -0.0625, 0, 0, 0, 0], atol=1e-6)
    assert (chunk.observed_at_s, chunk.step_s) == (1.0, DT_S)
    seen = policy.observe(sample(1.05), START, commands)
    np.testing.assert_array_equal(seen.terms["last_action"], np.float32([1.0, -0.5, 0, 0, 0, 0]))


def test_asking_before_looking_is_refused(policy: ArmPolicy) -> None:
    with pytest.raises(BadInputError, match=r"Call observe\(\) before infer"):
        policy.is_success()


def test_a_failed_reading_is_no_observation(policy: ArmPolicy) -> None:
    with pytest.raises(MissingError, match="There is no joint pose: the cable is out"):
        policy.observe(ArmSample.failed(0.0, "the cable is out"), START, {"goal": GOAL[None]})


def test_the_episode_begins_where_training_began(policy: ArmPolicy) -> None:
    np.testing.assert_array_equal(policy.start_pose, START)
    assert (policy.control_dt_s, policy.episode_s, policy.holding) == (0.05, 2.5, Holding(8))


def test_random_goals_are_those_of_training(policy: ArmPolicy) -> None:
    term = policy.command_terms["goal"]
    assert isinstance(term, ReachablePosition)
    known = {tuple(row) for row in reachable_positions_w(policy.robot, term)}
    rng = np.random.default_rng(0)
    drawn = [policy.draw_commands(rng)["goal"] for _ in range(50)]
    assert all(goal.shape == (1, 3) and tuple(goal[0]) in known for goal in drawn)
    assert len({tuple(goal[0]) for goal in drawn}) > 45
    again = policy.draw_commands(np.random.default_rng(0))["goal"]
    np.testing.assert_array_equal(again, drawn[0])


def test_a_given_goal_is_taken_over(policy: ArmPolicy) -> None:
    made = policy.commands({"goal": (0.3, 0.1, 0.2)})["goal"]
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, GOAL[None])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"takes the commands \['goal'\], got \[\]"),
        ({"gaol": GOAL}, r"takes the commands \['goal'\], got \['gaol'\]"),
        ({"goal": (0.3, 0.1)}, "needs 3 finite numbers, got"),
        ({"goal": (0.3, 0.1, float("nan"))}, "needs 3 finite numbers, got"),
        ({"goal": (0.3, 0.1, float("inf"))}, "needs 3 finite numbers, got"),
        ({"goal": "here"}, "needs 3 finite numbers, got 'here'"),
        ({"goal": [[0.3, 0.1, 0.2]]}, "needs 3 finite numbers, got"),
        ({"goal": (9.0, 9.0, 9.0)}, "out of reach"),
    ],
)
def test_a_goal_that_can_not_be_is_refused(policy: ArmPolicy, given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        policy.commands(given)


def test_a_policy_that_never_moves_asks_for_the_last_target(tmp_path: Path) -> None:
    policy = ArmPolicy(load_bundle(still_bundle(tmp_path / "b")), ROARM_M3)
    sent = START + 0.02
    chunk = policy.infer(policy.observe(sample(0.0), sent, {"goal": GOAL[None]}))
    np.testing.assert_allclose(chunk.joint_target, sent[None], atol=1e-6)
    assert len(chunk.joint_target[0]) == ACTIONS


@pytest.mark.parametrize(
    ("target_rad", "expected_rad"),
    [
        (0.50, 0.168),  # 0.1 rad in 0.05 s is 2 rad/s: 1.7 rad/s more than slow, for 0.04 s
        (0.11, 0.11),  # its target is on the way
        (-0.5, 0.10),  # it was sent back: it will not go on
    ],
)
def test_the_policy_sees_the_arm_where_it_will_be_when_it_answers(
    policy: ArmPolicy, target_rad: float, expected_rad: float
) -> None:
    commands, base = {"goal": GOAL[None]}, np.eye(6)[0]
    policy.observe(sample(0.0), START, commands)
    later = sample(0.05, START + 0.1 * base)
    measured_m = distance_of(policy, later, commands)
    policy.reset()
    policy.observe(sample(0.0), START, commands)
    seen = policy.observe(later, START + target_rad * base, commands, ahead_s=0.04).terms
    assert seen["joint_pos"][0] - START[0] == pytest.approx(expected_rad, abs=1e-6)
    np.testing.assert_allclose(seen["joint_pos"][1:], START[1:], atol=1e-6)
    np.testing.assert_allclose(seen["joint_vel"] / 0.2, 2.0 * base, atol=1e-5)  # the task scales it by 0.2
    assert policy.distance_m() == pytest.approx(measured_m)  # judged by what was measured


def distance_of(policy: ArmPolicy, later: ArmSample, commands: dict[str, np.ndarray]) -> float:
    policy.observe(later, START, commands)
    return policy.distance_m()


@pytest.mark.parametrize("speed_rad_s", [0.0, 0.25])
def test_a_slow_arm_is_seen_where_it_was_measured(policy: ArmPolicy, speed_rad_s: float) -> None:
    commands = {"goal": GOAL[None]}
    policy.observe(sample(0.0), START, commands)
    pose = START + 0.05 * speed_rad_s
    seen = policy.observe(sample(0.05, pose), pose + 0.07, commands, ahead_s=0.1).terms  # it droops
    np.testing.assert_allclose(seen["joint_pos"], pose, atol=1e-6)
