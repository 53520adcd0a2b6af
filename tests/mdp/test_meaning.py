"""Every term says what it means: in words of its own, with its own numbers, so that its contract is enough."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from roarm_lab.core.configs import Range
from roarm_lab.mdp.actions import GripperOpening, JointDelta
from roarm_lab.mdp.commands import ReachablePosition
from roarm_lab.mdp.events import PushJoints, StartPose
from roarm_lab.mdp.object_events import BoxOnTable
from roarm_lab.mdp.object_observations import BoxInSite, SiteApproach
from roarm_lab.mdp.observations import JointPos, JointVel, TargetLead
from roarm_lab.mdp.success import BoxHeldAtGoal
from roarm_lab.mdp.terminations import SiteBelow
from tests.mdp.every_term import ACTIONS, COMMANDS, EVENTS, OBSERVATIONS, SUCCESSES, TERMINATIONS, name_of
from tests.mdp.fake_state import scene

SCENE = scene()
EXPLAINED = OBSERVATIONS + ACTIONS + COMMANDS + EVENTS + TERMINATIONS + SUCCESSES
FOR_LEARNING = {"noise_std"}
"""Fields that say nothing about what a policy needs."""
NAMES = {"site": "hand_tcp", "joint": "roll", "roll_joint": "base", "command": "goal", "box": "cube"}


def other(name: str, value: Any) -> Any:
    """Return another value for a field of a term."""
    match value:
        case bool():
            return not value
        case Range():
            return Range(value.low + 0.01, value.high + 0.02)
        case int() | float():
            return 3.0 if math.isinf(value) else value + type(value)(1)
        case tuple():
            return ("elbow",)
        case _:
            return NAMES.get(name, "home")


@pytest.mark.parametrize("term", EXPLAINED, ids=name_of)
def test_a_term_says_what_it_means_in_words_of_its_own(term: Any) -> None:
    kind = type(term)
    said = term.meaning(SCENE)
    assert len(said) > 40
    assert not {"{", "}"} & set(said)
    assert "says" in vars(kind), "a meaning is inherited"


@pytest.mark.parametrize("term", EXPLAINED, ids=name_of)
def test_every_field_of_a_term_shows_in_what_it_means(term: Any) -> None:
    for part in fields(term):
        now = getattr(term, part.name)
        if part.name in FOR_LEARNING or part.name in {"mode", "interval_s"}:
            continue
        if isinstance(now, str) and other(part.name, now) == now:
            assert now in term.meaning(SCENE), part.name
            continue
        changed = replace(term, **{part.name: other(part.name, now)})
        assert changed.meaning(SCENE) != term.meaning(SCENE), part.name


@dataclass(frozen=True, kw_only=True)
class OfSomebody(JointPos):
    """Joint angles of {somebody}, squared.

    With more to say.
    """


def test_a_term_of_somebody_else_is_explained_by_its_docstring_and_not_by_its_parent() -> None:
    assert OfSomebody(scale=2.0).meaning(SCENE) == "Joint angles of {somebody}, squared. The input is this times 2."


def test_when_something_happens_is_said() -> None:
    assert StartPose().meaning(SCENE).startswith("When an episode begins: ")
    assert PushJoints(interval_s=0.5).meaning(SCENE).startswith("Every 0.5 s: ")
    assert "every 2 s in it" in ReachablePosition(resample_s=2.0).meaning(SCENE)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        (SiteApproach(site="grasp"), ["x axis of the site grasp", "turned by minus q", "joint base"]),
        (BoxInSite(site="grasp"), ["box minus site", "x, y and z axis of the site"]),
        (TargetLead(scale=5.0), ["Target sent last", "minus measured angle", "The input is this times 5."]),
        (GripperOpening(span_rad=Range(-0.2, 1.2)), ["Absolute and linear", "joint gripper", "-0.2 to 1.2 rad"]),
        (JointDelta(step_rad=0.125), ["target sent last (after the limits) plus 0.125 rad times the action"]),
        (StartPose(), ["within 0.15 rad (the first joint: 0.6 rad)", "clipped to lower_rad and upper_rad"]),
        (BoxOnTable(), ["evenly over the area of the ring 0.18 to 0.32 m", "by a plus an angle"]),
        (BoxHeldAtGoal(hold_s=0.4), ["last 8 control steps", "every jaw touches the box", "however small its force"]),
        (SiteBelow(height_m=0.1), ["without success", "lower than 0.1 m"]),
        (JointVel(joints=("elbow",), history_s=0.1, delay_s=0.05), ["joints elbow [rad/s]", "1 control steps ago"]),
        (JointPos(), ["joints base, shoulder, elbow, wrist, roll, gripper [rad]"]),
    ],
    ids=lambda value: name_of(value) if not isinstance(value, list) else "",
)
def test_what_a_stranger_had_to_guess_is_said(term: Any, words: list[str]) -> None:
    said = term.meaning(SCENE)
    assert [word for word in words if word not in said] == []


def test_the_faces_that_touch_are_named_jaw_by_jaw() -> None:
    said = BoxHeldAtGoal(hold_s=0.4).meaning(SCENE)
    for shape in SCENE.robot.collisions:
        assert (shape.name in said) == (shape.material == "pad")
