"""A task in which everything random happens, and what a step gave as plain arrays, for comparing runs."""

from typing import Any

import numpy as np

from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env, StepResult
from roarm_lab.mdp.events import PushJoints, ScaleModel
from roarm_lab.mdp.observations import JointPos, SitePos
from tests.envs.toy_task import DT_S, STEPS, Draw, EndsAfter, actions, toy_config


def busy_config(**changes: Any) -> EnvConfig:
    """Return a task in which everything random there is happens."""
    plain = toy_config()
    noisy = {"joint_pos": JointPos(noise_std=0.01, delay_s=0.05), "hand": SitePos(site="hand", history_s=0.1)}
    kinds = {
        "observations": {"actor": plain.observations["actor"] | noisy},
        "commands": {"goal": Draw(resample_s=3 * DT_S)},
        "events": plain.events
        | {
            "mass": ScaleModel(field="body_mass", mode="startup"),
            "stiffness": ScaleModel(field="actuator_stiffness"),
            "push": PushJoints(interval_s=4 * DT_S),
        },
        "terminations": {"early": EndsAfter(steps=5, above=0.8)},
        "random_age": True,
    }
    return toy_config(**(kinds | changes))


def numbers(result: StepResult) -> dict[str, np.ndarray]:
    """Return everything a step gave as flat arrays by name."""
    found = {"reward": result.reward, "terminated": result.terminated, "truncated": result.truncated}
    found |= {f"obs {group} {name}": v for group, terms in result.observations.items() for name, v in terms.items()}
    if result.final_observations is not None:
        found |= {f"final {name}": v for name, v in result.final_observations["actor"].items()}
    if result.episodes is not None:
        table = vars(result.episodes)
        found |= {f"episodes {name}": v for name, v in table.items() if isinstance(v, np.ndarray)}
        found |= {f"returns {name}": v for name, v in result.episodes.returns.items()}
    return found


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], worlds: Any = slice(None)) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        rows = slice(None) if name.startswith(("episodes", "returns")) else worlds
        np.testing.assert_array_equal(values[rows], other[name][rows], err_msg=name)


def rolled(env: Env, steps: int = 3 * STEPS, seed: int | None = None) -> list[dict[str, np.ndarray]]:
    """Return what a reset and random actions give, as numbers."""
    first = {f"obs {name}": v for name, v in env.reset(seed)["actor"].items()}
    return [first] + [numbers(env.step(action)) for action in actions(env.num_envs, steps)]


def same(one: list[dict[str, np.ndarray]], other: list[dict[str, np.ndarray]]) -> bool:
    try:
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    except AssertionError:
        return False
    return True
