"""Policies and shows for tests of what is watched: no training, no network, episodes of a second."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from roarm_lab.core.arrays import Float32
from roarm_lab.envs.config import EnvConfig
from roarm_lab.evaluation.episode_player import Infer
from roarm_lab.mdp.success import SiteHeldAtGoal
from roarm_lab.tasks.reach import reach
from roarm_lab.view.show import PolicyShow

ACTIONS = 6


def still(terms: Mapping[str, Float32]) -> Float32:
    """Do nothing."""
    return np.zeros((len(terms["joint_pos"]), 1, ACTIONS), np.float32)


def wave(terms: Mapping[str, Float32]) -> Float32:
    """Turn the base and nod, depending on where the arm is."""
    action = np.zeros((len(terms["joint_pos"]), 1, ACTIONS), np.float32)
    action[:, 0, :2] = np.sin(3.0 * terms["joint_pos"][:, :2] + 1.0)
    return action


def short(within_m: float = 0.02, episode_s: float = 1.0) -> EnvConfig:
    """Return reach with short episodes, and another idea of how near is near enough."""
    config = reach()
    assert isinstance(config.success, SiteHeldAtGoal)
    return replace(config, episode_s=episode_s, success=replace(config.success, within_m=within_m))


def policy_show(infer: Infer = wave, within_m: float = 0.02, seed: int = 0, episode_s: float = 1.0) -> PolicyShow:
    """Return a show of short episodes."""
    return PolicyShow(infer, short(within_m, episode_s), seed)
