"""Targets arrive as late as they should, and an encoder's zero error is between what is measured and what is true."""

from typing import Any

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.env import Env
from roarm_lab.envs.servos import Servos
from roarm_lab.mdp.events import ActionDelay, JointOffset, StartPose
from roarm_lab.sim.table import make_backend
from tests.envs.toy_task import DT_S, EndsAfter, actions, toy_config

SETTLED_STEPS = 60
FLOAT32 = 1e-6
SHIFT_RAD = 2e-4  # dry friction holds the settled joints a hair apart
STILL = StartPose(keyframe="home", spread_rad=0.0, base_spread_rad=0.0)


def late(*delays_s: float) -> tuple[Servos, list[np.ndarray]]:
    """Return the servos of worlds with these delays, and where every target that reaches the simulator is kept."""
    config = toy_config(events={"late": ActionDelay(delay_s=Range(0.0, 0.2))})
    backend = make_backend(config.robot, len(delays_s), config.sim)
    servos, kept = Servos(config, backend), list[np.ndarray]()
    step = backend.step

    def keep(target: Any, substeps: int) -> None:
        kept.append(target[:, :, 0].copy())
        step(target, substeps)

    backend.step = keep  # the real simulator, overheard
    everybody = np.arange(len(delays_s))
    servos.set_delay(np.float32(delays_s)[:, None], everybody)
    servos.start(everybody, np.zeros((len(delays_s), 3), np.float32))
    return servos, kept


def test_targets_arrive_after_their_delay_to_a_fifth_of_a_step() -> None:
    servos, kept = late(0.0, 0.02, 0.05, 0.12)
    for number in (1, 2, 3, 4):
        servos.step(np.full((4, 3), number, np.float32))
    arrived = np.concatenate(kept).T  # [world, part of 10 ms]
    for world, parts in enumerate((0, 2, 5, 12)):
        sent = np.repeat([1, 2, 3, 4], 5)
        np.testing.assert_array_equal(arrived[world], [0] * parts + sent.tolist()[: 20 - parts])


def test_a_reset_forgets_targets_on_their_way_in_that_world_alone() -> None:
    servos, kept = late(0.05, 0.05)
    servos.step(np.full((2, 3), 1, np.float32))
    servos.start(np.array([1]), np.full((2, 3), 0.5, np.float32))
    servos.step(np.full((2, 3), 2, np.float32))
    np.testing.assert_array_equal(kept[-1], [[1.0, 0.5]] * 5)


def test_a_late_arm_moves_a_whole_step_later() -> None:
    runs = []
    for delay_s in (0.0, DT_S):
        late_by = ActionDelay(delay_s=Range(delay_s, delay_s))
        env = Env(toy_config(events={"start": STILL, "late": late_by}, episode_s=10.0), 1)
        env.reset()
        for _ in range(SETTLED_STEPS):
            env.step(np.zeros((1, 3)))
        runs.append([env.step(np.ones((1, 3))).observations["actor"]["joint_pos"][0] for _ in range(8)])
    prompt, later = np.array(runs)
    np.testing.assert_allclose(later[1:, 0], prompt[:-1, 0], atol=SHIFT_RAD)
    assert np.ptp(prompt[:, 0]) > 50 * SHIFT_RAD
    assert abs(prompt[0, 0] - later[0, 0]) > 10 * SHIFT_RAD


def test_no_delay_costs_no_part_steps() -> None:
    plain, zero = toy_config(), toy_config(events={"start": STILL, "late": ActionDelay(delay_s=Range(0.0, 0.0))})
    for config in (plain, zero):
        backend = make_backend(config.robot, 1, config.sim)
        servos, shapes = Servos(config, backend), list[int]()
        backend.step = lambda target, substeps, shapes=shapes: shapes.append(target.ndim)
        servos.step(np.zeros((1, 3), np.float32))
        assert shapes == [2]


def test_measured_minus_true_is_the_offset_and_targets_are_in_the_measured_frame() -> None:
    env = Env(toy_config(events={"start": STILL, "zero": JointOffset(offset_rad=Range(0.01, 0.03))}), 6)
    env.reset()
    offset = env.drawn["zero"]
    assert ((offset >= 0.01) & (offset <= 0.03)).all()
    assert len(np.unique(offset)) == 18
    for action in actions(6, 5):
        env.step(action)
        np.testing.assert_allclose(env.state.joint_pos - env.backend.get("joint_pos"), offset, atol=FLOAT32)
        np.testing.assert_allclose(env.state.joint_target - env.backend.get("joint_target"), offset, atol=FLOAT32)
        np.testing.assert_array_equal(env.latest.observations["actor"]["joint_pos"], env.state.joint_pos)  # pyright: ignore[reportOptionalMemberAccess]


def test_an_arm_starts_where_it_is_measured_but_never_outside_its_true_limits() -> None:
    env = Env(toy_config(events={"zero": JointOffset(offset_rad=Range(0.02, 0.02))}), 1)
    env.reset()  # at zero, the lower limit of elbow and gripper
    np.testing.assert_allclose(env.backend.get("joint_pos"), [[-0.02, 0.0, 0.0]], atol=FLOAT32)
    np.testing.assert_allclose(env.state.joint_pos, [[0.0, 0.02, 0.02]], atol=FLOAT32)


def test_only_worlds_that_reset_get_another_offset() -> None:
    events = {"start": STILL, "zero": JointOffset(), "late": ActionDelay()}
    env = Env(toy_config(events=events, terminations={"early": EndsAfter(steps=4, above=0.5)}), 20)
    env.reset()
    first = env.state.joint_pos - env.backend.get("joint_pos")
    for action in actions(20, 4):
        result = env.step(action)
    after = env.state.joint_pos - env.backend.get("joint_pos")
    assert 0 < result.terminated.sum() < 20
    np.testing.assert_array_equal((np.abs(after - first) > FLOAT32).all(axis=1), result.terminated)
    np.testing.assert_allclose(first, env.drawn["zero"], atol=FLOAT32)  # the first worlds are what is kept


@pytest.mark.parametrize("span", [Range(-0.01, 0.1), Range(0.0, 0.6)])
def test_delays_that_make_no_sense_are_refused(span: Range) -> None:
    with pytest.raises(BadInputError, match=r"ActionDelay\.delay_s must be within 0 to 0\.5 s"):
        ActionDelay(delay_s=span)
