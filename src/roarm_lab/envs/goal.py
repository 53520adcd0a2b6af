"""What a task asks for, out of the contract of a policy or the settings of a run: for pages about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roarm_lab.core.errors import RoarmLabError
from roarm_lab.mdp.from_contract import command_terms, success_term
from roarm_lab.mdp.terms import SuccessDescription
from roarm_lab.robots.table import get_robot


@dataclass(frozen=True, kw_only=True)
class Goal:
    """When an episode is a success."""

    success: SuccessDescription
    target: str
    """What is asked for, in a sentence."""
    hold_s: float
    episode_s: float


def goal_of(about: Mapping[str, Any]) -> Goal | None:
    """Return the goal of a task; None where this version does not know its terms, or they can not be read.

    Args:
        about: The interface of a contract, or a task's configuration as plain data.
    """
    try:
        robot = about["robot"]
        success = success_term(_entry(about["success"]))
        described = success.describe(get_robot(robot["name"] if isinstance(robot, Mapping) else robot))
        asked = {name: _entry(entry) for name, entry in about["commands"].items() if name == described.command}
        titles = [term.title for term in command_terms(asked).values()]
        return Goal(
            success=described,
            target=titles[0] if titles else "the goal",
            hold_s=float(success.hold_s),
            episode_s=float(about["episode_s"]),
        )
    except (RoarmLabError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _entry(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a term as a contract has it: its parameters apart. Plain data has them beside its kind."""
    if "params" in plain:
        return plain
    return {"kind": plain["kind"], "params": {name: value for name, value in plain.items() if name != "kind"}}
