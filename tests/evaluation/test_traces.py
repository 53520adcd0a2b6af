"""What a policy did, moment by moment, is what the environment says about the same episodes."""

from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np
import pytest

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.env import Env
from roarm_lab.evaluation import evaluate as room
from roarm_lab.evaluation.episode_player import Step
from roarm_lab.evaluation.evaluate import evaluate
from roarm_lab.evaluation.traces import trace
from roarm_lab.mdp.terminations import SiteBelow
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.tasks.reach import reach
from tests.evaluation.scripted import LIFT, Scripted, easy

ROUNDED = 1e-6
REACH = replace(reach(), episode_s=1.0)  # 20 steps


def still(terms: Mapping[str, Float32]) -> Float32:
    return np.zeros((len(terms["joint_pos"]), 1, 6), np.float32)


def down(terms: Mapping[str, Float32]) -> Float32:
    """Bend the shoulder, faster the farther the base is turned."""
    speed = 0.2 + np.abs(terms["joint_pos"][:, 0])
    return np.stack([0 * speed, speed, 0 * speed, 0 * speed, 0 * speed, 0 * speed], axis=1)[:, None].astype(np.float32)


def test_a_task_without_a_box_has_the_rest() -> None:
    seen = trace(still, REACH, episodes=7, seed=0)
    assert seen.action.shape == (7, 20, 6)
    assert seen.distance_m.shape == seen.gripper_open.shape == (7, 21)
    assert (seen.box_pos_w, seen.hand_to_box_m, seen.touching) == (None, None, None)
    assert (seen.control_dt_s, seen.within_m) == (0.05, 0.02)
    assert not seen.success.any()
    # The keyframe opens the gripper by 0.8 rad; starts are 0.15 rad around it.
    joint = ROARM_M3.joints[-1]
    assert np.abs(seen.gripper_open[:, 0] * (joint.upper_rad - joint.lower_rad) + joint.lower_rad - 0.8).max() <= 0.151
    assert seen.hand_speed_m_s[:, 10:].max() < 0.01


def test_it_is_what_the_evaluation_of_the_same_episodes_says() -> None:
    seen = trace(Scripted(LIFT), easy(), episodes=16, seed=4)
    found = evaluate(Scripted(LIFT), easy(), episodes=16, seed=4)
    assert found.successes == seen.success.sum() > 0
    assert np.median(seen.distance_m[:, -1]) == pytest.approx(found.final_distance_m["median"])
    assert np.abs(seen.action).max() <= 1.0


def test_hand_gripper_and_box_move_as_the_script_says() -> None:
    seen = trace(Scripted(LIFT), easy(), episodes=16, seed=4)
    assert seen.box_pos_w is not None
    assert seen.hand_to_box_m is not None
    assert seen.touching is not None
    assert seen.box_pos_w.shape == (16, 61, 3)
    np.testing.assert_allclose(seen.box_pos_w[:, 0, 2], 0.015, atol=1e-3)
    radius_m = np.hypot(seen.box_pos_w[:, 0, 0], seen.box_pos_w[:, 0, 1])
    assert ((radius_m > 0.199) & (radius_m < 0.261)).all()
    assert (seen.hand_to_box_m[:, 18] < 0.03).all()  # lowered over the cube
    assert not seen.touching[:, 0].any()
    assert seen.touching[:, 30].mean() > 0.9  # closed
    assert (seen.gripper_open[:, 30] < 0.4).all()
    assert (seen.gripper_open[:, 16] > 0.7).all()
    assert seen.box_pos_w[seen.success, -1, 2].min() > 0.07  # goals are 10 cm high or more
    assert (seen.distance_m[seen.success, -1] < 0.025).all()


def test_the_speed_of_the_hand_is_its_way_over_the_time() -> None:
    sites: list[np.ndarray] = []

    def observe(env: Env, step: Step) -> None:
        sites.append(step.state.site_pos_w[:, env.scene.site("grasp")])

    evaluate(down, REACH, episodes=5, seed=2, observe=observe)
    seen = trace(down, REACH, episodes=5, seed=2)
    way_m = np.linalg.norm(sites[7] - sites[6], axis=1)
    np.testing.assert_allclose(seen.hand_speed_m_s[:, 6], way_m / 0.05, rtol=1e-4)
    assert seen.hand_speed_m_s[:, 6].min() > 0.0


def test_an_episode_that_ended_early_stands_still_from_then_on() -> None:
    config = replace(REACH, terminations={"low": SiteBelow(site="hand_tcp", height_m=0.07)})
    length: dict[int, int] = {}

    def observe(env: Env, step: Step) -> None:
        if env.latest is not None and env.latest.episodes is not None:
            rows = env.latest.episodes
            for world, steps in zip(rows.world.tolist(), rows.length.tolist(), strict=True):
                length.setdefault(world, steps)

    evaluate(down, config, episodes=12, seed=0, observe=observe)
    seen = trace(down, config, episodes=12, seed=0)
    assert len(set(length.values())) > 3
    for world, steps in length.items():
        assert np.ptp(seen.distance_m[world, steps:]) == 0.0
        assert np.ptp(seen.action[world, steps - 1 :], axis=0).max() == 0.0
        assert seen.distance_m[world, steps - 1] != seen.distance_m[world, steps]


def test_a_simulation_that_blew_up_stands_still_before(monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[Env]()

    class Seen(Env):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # pyright: ignore[reportArgumentType]
            made.append(self)

    def blown_up(terms: Mapping[str, Float32]) -> Float32:
        if made[0].total_steps == 5 * 4:
            made[0].backend.set("joint_vel", np.full((1, 6), np.inf, np.float32), [2])
        return down(terms)

    monkeypatch.setattr(room, "Env", Seen)
    seen = trace(blown_up, REACH, episodes=4, seed=0)
    assert made[0].num_diverged == 1
    assert not seen.success[2]
    for part in (getattr(seen, field.name) for field in fields(seen)):
        assert part is None or np.isfinite(part).all()
    assert np.ptp(seen.distance_m[2, 5:]) == 0.0
    assert np.ptp(seen.distance_m[2, :6]) > 0.0
    assert np.ptp(seen.distance_m[1, 5:]) > 0.0


def test_no_episodes_are_refused() -> None:
    with pytest.raises(BadInputError, match="^episodes must be 1 or more, got 0"):
        trace(still, REACH, episodes=0, seed=0)
