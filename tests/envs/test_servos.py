"""Targets arrive and angles are measured as late as they should; zero errors lie between what is measured and true."""

from typing import Any

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.env import Env
from roarm_lab.envs.servos import Servos
from roarm_lab.mdp.events import ActionDelay, JointOffset, MeasurementDelay, StartPose
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


def measured_late(*delays_s: float, longest_s: float = 0.2) -> Servos:
    """Return the servos of worlds whose angles are measured this late, at rest at zero."""
    config = toy_config(events={"late": MeasurementDelay(delay_s=Range(0.0, longest_s))})
    servos = Servos(config, make_backend(config.robot, len(delays_s), config.sim))
    everybody = np.arange(len(delays_s))
    servos.set_measurement_delay(np.float32(delays_s)[:, None], everybody)
    servos.start(everybody, np.zeros((len(delays_s), 3), np.float32))
    return servos


def moved_to(servos: Servos, joint_pos: float) -> np.ndarray:
    """Let a control step end with all joints at an angle, and return the first joint's measured angles [env]."""
    backend = servos._backend  # pyright: ignore[reportPrivateUsage]
    backend.step = lambda target, substeps: backend.reset(None, np.full_like(target, joint_pos))
    servos.step(np.zeros_like(servos.joint_pos()))
    return servos.joint_pos()[:, 0]


def test_targets_arrive_after_their_delay_to_a_fifth_of_a_step() -> None:
    servos, kept = late(0.0, 0.02, 0.05, 0.12)
    for number in (1, 2, 3, 4):
        servos.step(np.full((4, 3), number, np.float32))
    arrived = np.concatenate(kept).T  # [world, part of 10 ms]
    for world, parts in enumerate((0, 2, 5, 12)):
        sent = np.repeat([1, 2, 3, 4], 5)
        np.testing.assert_array_equal(arrived[world], [0] * parts + sent.tolist()[: 20 - parts])


def test_60_ms_late_is_longer_than_a_control_step() -> None:
    config = toy_config(events={"late": ActionDelay()})  # up to 60 ms: six parts of 10 ms, two steps of 50 ms
    backend = make_backend(config.robot, 1, config.sim)
    servos, kept = Servos(config, backend), list[np.ndarray]()
    backend.step = lambda target, substeps: kept.append(target[:, 0, 0].copy())
    servos.set_delay(np.float32([[0.06]]), np.arange(1))
    servos.start(np.arange(1), np.zeros((1, 3), np.float32))
    for number in (1, 2, 3):
        servos.step(np.full((1, 3), number, np.float32))
    np.testing.assert_array_equal(kept, [[0, 0, 0, 0, 0], [0, 1, 1, 1, 1], [1, 2, 2, 2, 2]])


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


def test_measured_angles_are_those_of_a_while_ago_on_straight_lines() -> None:
    servos = measured_late(0.0, 0.01, 0.05, 0.08, 0.2)  # 0, 0.2, 1, 1.6 and 4 control steps
    expected = [
        [0.1, 0.08, 0.0, 0.0, 0.0],
        [0.5, 0.42, 0.1, 0.04, 0.0],  # 0.5 - 0.2 * 0.4; 0.1 - 0.6 * 0.1
        [0.4, 0.42, 0.5, 0.26, 0.0],  # and backwards; 0.5 - 0.6 * 0.4
        [0.4, 0.4, 0.4, 0.46, 0.0],
        [0.4, 0.4, 0.4, 0.4, 0.1],
    ]
    for angle, now in zip((0.1, 0.5, 0.4, 0.4, 0.4), expected, strict=True):
        np.testing.assert_allclose(moved_to(servos, angle), now, atol=FLOAT32)
        np.testing.assert_allclose(servos.joint_pos()[:, 0], now, atol=FLOAT32)  # asking again changes nothing


@pytest.mark.parametrize("delay_s", [0.15, 0.35, 0.45])
def test_the_longest_delay_of_whole_steps_finds_its_angle(delay_s: float) -> None:
    servos, steps = measured_late(delay_s, longest_s=delay_s), round(delay_s / DT_S)
    angles = [0.1 * number for number in range(1, 12)]
    found = [moved_to(servos, angle)[0] for angle in angles]
    np.testing.assert_allclose(found, ([0.0] * steps + angles)[:11], atol=10 * FLOAT32)


def test_after_a_reset_the_past_is_the_start_pose_in_that_world_alone() -> None:
    servos = measured_late(0.08, 0.08, longest_s=0.08)
    moved_to(servos, 0.1)
    moved_to(servos, 0.5)
    servos.start(np.array([1]), np.full((2, 3), 0.3, np.float32))
    np.testing.assert_allclose(servos.joint_pos()[:, 0], [0.04, 0.3], atol=FLOAT32)
    np.testing.assert_allclose(moved_to(servos, 0.4), [0.26, 0.3], atol=FLOAT32)  # 0.5 - 0.6 * 0.4
    np.testing.assert_allclose(moved_to(servos, 0.4), [0.46, 0.34], atol=FLOAT32)  # 0.4 - 0.6 * 0.1


def test_measured_angles_come_a_step_late_with_their_zero_error_and_their_own_speed() -> None:
    seen = []
    for delay_s in (0.0, DT_S):
        late_by = MeasurementDelay(delay_s=Range(delay_s, delay_s))
        zero = JointOffset(offset_rad=Range(0.02, 0.02))
        env = Env(toy_config(events={"start": STILL, "zero": zero, "late": late_by}, episode_s=10.0), 1)
        env.reset()
        env.actions.goal = lambda state, action: 0 * state.joint_pos + np.float32([0.5, 1.2, 0.4])  # pyright: ignore[reportAttributeAccessIssue]
        results = [env.step(np.zeros((1, 3))).observations["actor"] for _ in range(12)]
        seen.append([np.concatenate([row["joint_pos"][0], row["joint_vel"][0], row["hand"][0]]) for row in results])
    prompt, later = np.array(seen)
    assert np.ptp(prompt[:, 0]) > 0.1
    np.testing.assert_allclose(later[1:], prompt[:-1], atol=FLOAT32)  # the hand is where the measured angles say


def test_a_delay_of_nothing_among_others_changes_no_bit() -> None:
    plain = Env(toy_config(), 3, seed=2)
    mixed = Env(
        toy_config(events={**toy_config().events, "late": MeasurementDelay(delay_s=Range(0.0, 0.1))}), 3, seed=2
    )
    mixed._servos.set_measurement_delay = lambda delay_s, rows: None  # pyright: ignore[reportPrivateUsage] # all stay at 0
    for env in (plain, mixed):
        env.reset()
    for action in actions(3, 15):
        one, other = (env.step(action).observations["actor"]["joint_pos"] for env in (plain, mixed))
        assert one.tobytes() == other.tobytes()


def test_no_delay_costs_no_part_steps() -> None:
    nothing = Range(0.0, 0.0)
    none = {"start": STILL, "late": ActionDelay(delay_s=nothing), "old": MeasurementDelay(delay_s=nothing)}
    whole = np.float32([[0.1, 0.2, 0.3]])
    for config in (toy_config(), toy_config(events=none)):
        backend = make_backend(config.robot, 1, config.sim)
        servos, shapes = Servos(config, backend), list[int]()
        backend.step = lambda target, substeps, shapes=shapes: shapes.append(target.ndim)
        servos.step(np.zeros((1, 3), np.float32))
        assert shapes == [2]
        backend.get = lambda field, whole=whole: whole
        assert servos.joint_pos() is whole


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
@pytest.mark.parametrize("kind", [ActionDelay, MeasurementDelay])
def test_delays_that_make_no_sense_are_refused(kind: type[ActionDelay] | type[MeasurementDelay], span: Range) -> None:
    with pytest.raises(BadInputError, match=rf"{kind.__name__}\.delay_s must be within 0 to 0\.5 s, got {span.low} to"):
        kind(delay_s=span)
