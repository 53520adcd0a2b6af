"""One instance of every term there is, for tests that all of them must pass."""

import inspect
from typing import Any

from roarm_lab.mdp import (
    actions,
    commands,
    curriculum,
    events,
    object_events,
    object_observations,
    object_rewards,
    observations,
    rewards,
    success,
    terminations,
)
from roarm_lab.mdp.terms import (
    ActionTerm,
    CommandTerm,
    CurriculumTerm,
    EventTerm,
    ObservationTerm,
    RewardTerm,
    SuccessTerm,
    TerminationTerm,
)

NEEDED: dict[str, dict[str, Any]] = {
    "Command": {"command": "goal"},
    "GoalFromSite": {"command": "goal"},
    "GoalTurn": {"command": "goal"},
    "SiteNearGoal": {"command": "goal"},
    "SiteAtGoal": {"command": "goal", "within_m": 0.3},
    "SelfCollision": {"margin_m": 0.2},
    "BelowTable": {"height_m": 0.2},
    "SiteBelow": {"height_m": 0.2},
    "SiteHeldAtGoal": {"command": "goal", "within_m": 0.3, "hold_s": 0.4},
    "ScaleModel": {"field": "body_mass"},
    "PushJoints": {"interval_s": 0.5},
    "ReachablePosition": {"pool": 500},
    "BoxAtGoal": {"within_m": 0.4},
    "BoxHeldAtGoal": {"within_m": 0.5, "hold_s": 0.4},
    "RampWeight": {"reward": "near", "steps": 100},
}
"""Fields without a default, and values with which the random moments are told apart."""


def every(base: type) -> list[Any]:
    """Return an instance of every concrete term of a kind."""
    modules = (
        actions,
        object_rewards,
        object_events,
        object_observations,
        commands,
        curriculum,
        events,
        observations,
        rewards,
        success,
        terminations,
    )
    kinds = [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, base) and kind.__module__ == module.__name__
        if not inspect.isabstract(kind) and not kind.__name__.startswith("_")
    ]
    assert kinds, f"there is no {base.__name__}"
    return [kind(**_weight(kind), **NEEDED.get(kind.__name__, {})) for kind in kinds]


def _weight(kind: Any) -> dict[str, float]:
    return {"weight": -1.0 if kind.penalty else 1.0} if issubclass(kind, RewardTerm) else {}


OBSERVATIONS = every(ObservationTerm)
REWARDS = every(RewardTerm)
ACTIONS = every(ActionTerm)
COMMANDS = every(CommandTerm)
EVENTS = every(EventTerm)
TERMINATIONS = every(TerminationTerm)
SUCCESSES = every(SuccessTerm)
CURRICULUM = every(CurriculumTerm)


def name_of(term: Any) -> str:
    """Return the class name, for test ids."""
    return type(term).__name__
