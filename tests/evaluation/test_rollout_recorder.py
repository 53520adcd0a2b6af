"""What is recorded when worlds end their episodes at different times."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from roarm_lab.core.arrays import Array
from roarm_lab.core.state import State
from roarm_lab.evaluation.rollout_recorder import record
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import TerminationTerm, TestFn
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.tasks.reach import reach
from tests.bundles import still_bundle

STEPS = 10


def length_of(goal_w: Array) -> Array:
    """Return after how many steps an episode with this goal ends: 2 to 10."""
    return np.clip(np.round(2 + (goal_w[..., 2] - 0.05) / 0.45 * 8), 2, STEPS)


@dataclass(frozen=True, kw_only=True)
class GoalDecides(TerminationTerm):
    """Ends low goals early."""

    def bind(self, scene: Scene) -> TestFn:
        del scene
        return at_the_end


def at_the_end(state: State) -> Array:
    return np.round(state.episode_time_s / 0.05) >= length_of(state.commands["goal"])


def test_only_the_first_episode_of_every_world_is_kept_in_full_length(tmp_path: Path) -> None:
    config = replace(reach(), episode_s=STEPS * 0.05, terminations={"goal": GoalDecides()})
    bundle = load_bundle(still_bundle(tmp_path / "bundle", config))
    made = record(bundle, config, 60, tmp_path / "rollouts", seed=2)
    episodes = json.loads((made / "meta.json").read_text())["episodes"]
    assert len(episodes) == 60
    assert len({episode["steps"] for episode in episodes}) > 4
    for episode in episodes:
        with np.load(made / episode["file"]) as arrays:
            steps = episode["steps"]
            np.testing.assert_allclose(arrays["time_s"], np.arange(steps) * 0.05, atol=1e-6)
            assert len(np.unique(arrays["command_goal"], axis=0)) == 1  # one episode, one goal
            assert length_of(arrays["command_goal"][0]) == steps
            np.testing.assert_array_equal(arrays["joint_pos"][1:], arrays["next_joint_pos"][:-1])
