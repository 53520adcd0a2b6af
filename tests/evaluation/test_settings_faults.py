"""Causes that the settings of a training show, each with its number; settings that are as they ship show none."""

from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.evaluation.explain import explain, not_judged
from roarm_lab.evaluation.settings_faults import Settings, settings_faults
from roarm_lab.evaluation.traces import Trace

USUAL = {"near": 0.25, "close": 0.25, "at_goal": 0.125, "action_rate": -0.0025, "joint_speed": -0.0005}
SHIPPED = Settings(weights=USUAL, usual=USUAL, scales_m={"near": 0.2, "close": 0.02}, gamma=0.95, episode_steps=50)
# The first rollout of a training that reaches 99 % later, and what it becomes.
CURVE = {
    "steps": [8192.0 * rollout for rollout in range(1, 9)],
    "reward_near": list(np.linspace(0.0126, 0.15, 8)),
    "reward_close": list(np.linspace(1e-6, 0.1, 8)),
    "reward_at_goal": list(np.linspace(0.0, 0.05, 8)),
    "reward_action_rate": [-0.0098] * 8,
    "reward_joint_speed": [-0.0026] * 8,
}


def traced(*, success: int = 0, episodes: int = 64, start_m: float = 0.45, nearest_m: float = 0.1) -> Trace:
    moments = np.linspace(start_m, nearest_m, 51, dtype=np.float32)
    return Trace(
        control_dt_s=0.05,
        success=np.arange(episodes) < success,
        action=np.zeros((episodes, 50, 6), dtype=np.float32),
        distance_m=np.tile(moments, (episodes, 1)),
        within_m=0.02,
        hand_speed_m_s=np.full((episodes, 50), 0.1, dtype=np.float32),
        gripper_open=np.ones((episodes, 51), dtype=np.float32),
    )


def names(settings: Settings, trace: Trace | None = None, curve: dict[str, list[float]] = CURVE) -> list[str]:
    return [finding.name for finding in settings_faults(settings, curve, trace)]


def weights(**changes: float) -> Settings:
    return replace(SHIPPED, weights={**USUAL, **changes})


def test_settings_as_they_ship_show_nothing() -> None:
    assert names(SHIPPED) == names(SHIPPED, traced()) == []
    assert names(Settings()) == []  # nothing is known


def test_no_reward_at_all_is_named() -> None:
    (finding,) = settings_faults(weights(**dict.fromkeys(USUAL, 0.0)), CURVE, traced())
    assert finding.name == "no reward at all"
    assert "all 5 reward terms are 0 (near, close, at_goal, action_rate, joint_speed)" in finding.evidence


def test_shaping_that_is_switched_off_is_named_where_nothing_else_is_reached() -> None:
    never = {**CURVE, "reward_near": [0.0] * 8, "reward_close": [0.0] * 8, "reward_at_goal": [0.0] * 8}
    (finding,) = settings_faults(weights(near=0.0, close=0.0), never, traced())
    assert finding.name == "no way to the goal"
    assert "near (0.25 in the task as it ships), close (0.25" in finding.evidence
    assert "what is left, at_goal, was never paid" in finding.evidence
    assert names(weights(near=0.0, close=0.0)) == []  # at_goal is paid in this curve: it was found without
    (finding,) = settings_faults(weights(near=0.0, close=0.0, at_goal=0.0), CURVE, None)
    assert finding.evidence.endswith("nothing that pays is left.")


@pytest.mark.parametrize(("term", "weight"), [("joint_speed", -100.0), ("action_rate", -10.0)])
def test_a_penalty_that_outweighs_everything_is_named_with_how_many_times(term: str, weight: float) -> None:
    column = f"reward_{term}"
    heavy = {**CURVE, column: [value * weight / USUAL[term] for value in CURVE[column]]}
    (finding,) = settings_faults(weights(**{term: weight}), heavy, traced())
    assert finding.name == f"penalty outweighs everything: {term}"
    rest = (
        sum(
            abs(values[0]) + abs(values[1])
            for name, values in CURVE.items()
            if name.startswith("reward_") and name != column
        )
        / 2
    )
    times = abs(heavy[column][0]) / rest
    assert f", {times:,.0f} times all other terms together" in finding.evidence
    assert f"Its weight is {weight:g}; the task as it ships has {USUAL[term]:g}" in finding.evidence


def test_a_penalty_of_the_usual_weight_is_not_the_cause_where_nothing_else_pays() -> None:
    poor = {**CURVE, "reward_near": [0.0] * 8, "reward_close": [0.0] * 8, "reward_at_goal": [0.0] * 8}
    assert names(SHIPPED, curve=poor) == []


def test_a_scale_that_does_not_reach_the_start_is_named() -> None:
    narrow = replace(SHIPPED, scales_m={"near": 1e-5, "close": 0.02})
    (finding,) = settings_faults(narrow, CURVE, traced(start_m=0.45))
    assert finding.name == "scale too small"
    assert "is close, with a scale of 0.02 m; episodes begin 0.45 m away" in finding.evidence
    assert names(narrow, traced(start_m=0.05)) == []  # near enough for a scale of 0.02 m
    assert names(narrow, traced(success=32)) == []  # it was found all the same


def test_of_a_task_with_a_box_the_way_of_the_hand_to_it_counts() -> None:
    lift = Settings(
        weights={"near": 0.25, "carried": 1.0}, scales_m={"near": 1e-4, "carried": 0.25}, of_box=frozenset({"near"})
    )
    trace = replace(traced(), hand_to_box_m=np.full((64, 51), 0.2, dtype=np.float32))
    assert names(lift, trace) == ["scale too small"]
    assert names(replace(lift, scales_m={"near": 0.2, "carried": 0.25}), trace) == []


def test_a_horizon_shorter_than_the_way_is_named() -> None:
    (finding,) = settings_faults(replace(SHIPPED, gamma=0.1), CURVE, None)
    assert finding.name == "horizon shorter than the way to the goal"
    assert "With gamma 0.1 what comes after about 1.1 steps hardly counts; an episode has 50" in finding.evidence


def test_learning_that_broke_down_is_named_with_its_step() -> None:
    (finding,) = settings_faults(replace(SHIPPED, broke_down_at_steps=8192), CURVE, None)
    assert finding.name == "learning broke down"
    assert "After 8,192 steps" in finding.evidence


def test_the_general_advice_comes_only_where_no_cause_is_known() -> None:
    far = traced(nearest_m=0.3)
    assert [finding.name for finding in explain(CURVE, far, SHIPPED)] == ["success never near"]
    assert [finding.name for finding in explain(CURVE, far, replace(SHIPPED, gamma=0.1))] == [
        "horizon shorter than the way to the goal"
    ]


def test_one_lucky_episode_of_64_does_not_silence_the_general_advice() -> None:
    far = traced(nearest_m=0.3)
    lucky = replace(far, success=np.arange(64) < 1)
    assert [finding.name for finding in explain(CURVE, lucky, SHIPPED)] == ["success never near"]


def test_what_was_not_looked_for_is_said() -> None:
    assert not_judged(CURVE) == ["reward terms that never matter: that takes 40 rollouts, and there are 8"]
    assert not_judged({"steps": [1.0] * 40}) == []
