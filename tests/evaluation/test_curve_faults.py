"""Planted faults in the curve of a training are recognised; trainings that work give no finding."""

from math import inf, nan

import numpy as np
import pytest

from roarm_lab.evaluation.curve_faults import Curve, dead_terms, diverging_value, early_late, saturated
from roarm_lab.evaluation.explain import explain

ROLLOUTS = 80
RAMP = np.linspace(0.0, 1.0, ROLLOUTS)
GAMMA = 0.95


def curve(**columns: object) -> Curve:
    """Return the curve of a training that works, like those of lift-cube; `columns` replace some of it."""
    healthy = {
        "steps": 12288.0 * np.arange(1, ROLLOUTS + 1),
        "value_loss": np.r_[nan, np.geomspace(0.2, 4.8, ROLLOUTS - 1)],  # it follows the returns
        "saturated": 0.15 + 0.2 * RAMP,
        "action_size": 0.7 + 0.4 * RAMP,
        "reward_near": np.r_[nan, 0.01 + 0.22 * RAMP[1:]],
        "reward_carried": np.where(RAMP > 0.1, 0.75 * RAMP, 0.0),
        "reward_at_goal": np.where(RAMP > 0.25, 0.36 * RAMP, 0.0),
        "reward_action_rate": -0.0015 - 0.005 * RAMP,
        "reward_joint_speed": np.full(ROLLOUTS, -0.0005),
    }
    return {name: np.asarray(values, dtype=float).tolist() for name, values in (healthy | columns).items()}


def test_a_training_that_works_gives_no_finding() -> None:
    assert explain(curve()) == []


@pytest.mark.parametrize("rollouts", [0, 1, 3, 13])
def test_the_beginning_of_a_training_gives_no_finding(rollouts: int) -> None:
    assert explain({name: values[:rollouts] for name, values in curve().items()}) == []


def test_a_curve_of_an_older_version_gives_no_finding() -> None:
    assert explain({"steps": [1.0, 2.0], "success": [nan, 0.1]}) == []
    unknown = [nan] * (ROLLOUTS - 10)
    assert explain(curve(saturated=[*unknown, *[0.2] * 10], action_size=[*unknown, *[1.0] * 10])) == []


def test_actions_that_grow_from_2_to_37_are_found() -> None:
    found = explain(curve(action_size=2.0 + 35.0 * RAMP, saturated=0.3 + 0.69 * RAMP))
    assert [finding.name for finding in found] == ["saturated actions"]
    assert found[0].evidence == (
        "In training the share went from 38% to 91%. "
        "The size of the actions before clipping went from 6.2 to 32.8 (1 is the bound)."
    )
    assert "Raise mean_bound_weight" in found[0].advice


def test_one_component_that_runs_away_is_found_though_few_actions_are_at_the_bound() -> None:
    found = saturated(curve(action_size=1.0 + 9.0 * RAMP), share_now=0.2)
    assert found[0].evidence.startswith("20% of the policy's actions are at the bound. In training the share went")


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.2, 0), (0.49, 0), (0.5, 1), (1.0, 1)])
def test_half_of_the_policys_actions_at_the_bound_is_a_finding(share: float, count: int) -> None:
    assert len(saturated(curve(), share)) == count
    found = saturated({}, share)
    assert [finding.evidence for finding in found] == [f"{share:.0%} of the policy's actions are at the bound."] * count


def test_a_value_loss_that_runs_away_is_found() -> None:
    found = explain(curve(value_loss=np.where(RAMP < 0.5, 0.2, 5e4)))
    assert [finding.name for finding in found] == ["value diverging"]
    assert found[0].evidence == "The value loss rose from 0.2 to 5e+04, rewards are of the size 1.3 per step."
    assert "Lower learning_rate" in found[0].advice


def test_an_infinite_value_loss_is_found_even_early() -> None:
    found = diverging_value({"value_loss": [nan, 0.3, inf]}, GAMMA)
    assert [finding.evidence for finding in found] == ["The value loss has become infinite."]


def test_a_value_loss_is_judged_by_the_returns_that_it_should_predict() -> None:
    small, loss = curve(), np.geomspace(0.001, 20.0, ROLLOUTS).tolist()
    assert diverging_value(small | {"value_loss": loss}, GAMMA) == []  # of returns of 20, whose square is 400
    rewards = {name: [0.01 * value for value in values] for name, values in small.items() if name.startswith("reward_")}
    assert len(diverging_value(rewards | {"value_loss": loss}, GAMMA)) == 1  # of returns of 0.2


def test_a_value_loss_that_was_large_from_the_beginning_has_not_diverged() -> None:
    assert diverging_value(curve(value_loss=np.full(ROLLOUTS, 1e6)), GAMMA) == []


def test_a_term_that_never_gave_anything_is_found_by_name() -> None:
    found = explain(curve(reward_at_goal=np.zeros(ROLLOUTS), reward_tiny=np.full(ROLLOUTS, 7e-5)))
    assert [finding.name for finding in found] == ["dead reward term: at_goal", "dead reward term: tiny"]
    assert found[1].evidence == ("It never exceeds 7e-05 per step in the whole training; the largest reaches 0.75.")
    assert "Widen it, raise its weight, or take it out" in found[0].advice


def test_a_term_that_was_switched_off_on_purpose_is_no_finding() -> None:
    dead = curve(reward_at_goal=np.zeros(ROLLOUTS))
    assert dead_terms(dead, {"at_goal": 0.0}) == []
    assert len(dead_terms(dead, {"at_goal": 0.5})) == 1


def test_a_term_that_waits_for_the_first_success_is_not_dead_yet() -> None:
    waiting = curve(reward_at_goal=np.zeros(ROLLOUTS))
    assert dead_terms({name: values[:39] for name, values in waiting.items()}, {}) == []
    assert len(dead_terms({name: values[:40] for name, values in waiting.items()}, {})) == 1


def test_a_term_that_mattered_once_is_not_dead() -> None:
    assert dead_terms(curve(reward_at_goal=np.where(np.arange(ROLLOUTS) == 30, 0.01, 0.0)), {}) == []


def test_early_and_late_are_the_means_of_the_first_and_last_quarter() -> None:
    assert early_late({"a": [nan, 1.0, 3.0, *[9.0] * 4, 5.0, 7.0]}, "a") == (2.0, 6.0)
    assert early_late({"a": [1.0, 2.0, 3.0]}, "a") is None
    assert early_late({}, "a") is None
