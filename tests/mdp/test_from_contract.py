"""A term written into a contract comes back as the same term."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from roarm_lab.core.configs import Range, to_plain
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp.actions import EePose, GripperOpening, JointDelta
from roarm_lab.mdp.commands import ReachablePosition
from roarm_lab.mdp.events import StartPose
from roarm_lab.mdp.from_contract import action_terms, command_terms, observation_terms, start_terms, success_term
from roarm_lab.mdp.object_events import BoxOnTable
from roarm_lab.mdp.observations import JointPos, JointVel
from roarm_lab.mdp.terms import ActionTerm, CommandTerm, EventTerm, ObservationTerm, SuccessTerm
from tests.mdp.every_term import ACTIONS, COMMANDS, OBSERVATIONS, SUCCESSES, name_of

UNUSUAL = [
    JointVel(joints=("elbow", "base"), scale=0.2, delay_s=0.05, history_s=0.1),
    JointDelta(joint_names=("elbow",), step_rad=0.05),
    GripperOpening(span_rad=Range(-0.2, 1.4)),
    EePose(site="grasp", step_m=0.01),
    StartPose(keyframe="home", spread_rad=0.05),
    BoxOnTable(radius_m=Range(0.2, 0.25), rest_m=0.02),
    ReachablePosition(height_m=Range(0.1, 0.2), max_radius_m=0.4, resample_s=1.0),
]


def through_json(term: Any) -> dict[str, Any]:
    """Return a term's entry as it stands in a contract, after writing and reading."""
    plain = to_plain(term)
    entry = {"name": "it", "kind": plain.pop("kind"), "params": plain}
    return json.loads(json.dumps(entry, allow_nan=False))


@pytest.mark.parametrize("term", OBSERVATIONS + ACTIONS + COMMANDS + SUCCESSES + UNUSUAL, ids=name_of)
def test_a_term_comes_back_equal(term: Any) -> None:
    entry = through_json(term)
    readers: dict[type, Any] = {
        ObservationTerm: lambda: observation_terms([entry])["it"],
        ActionTerm: lambda: action_terms([entry])["it"],
        CommandTerm: lambda: command_terms({"it": entry})["it"],
        EventTerm: lambda: start_terms([entry])[0],
        SuccessTerm: lambda: success_term(entry),
    }
    back = next(read for kind, read in readers.items() if isinstance(term, kind))()
    assert type(back) is type(term)
    assert back == term


def test_order_and_names_are_kept() -> None:
    entries = [through_json(JointVel()) | {"name": "b"}, through_json(JointPos()) | {"name": "a"}]
    assert list(observation_terms(entries)) == ["b", "a"]


def test_an_infinite_time_survives() -> None:
    assert through_json(ReachablePosition())["params"]["resample_s"] == "inf"
    assert command_terms({"goal": through_json(ReachablePosition())})["goal"].resample_s == math.inf


def test_an_unknown_kind_is_named_with_the_closest() -> None:
    entry = through_json(JointPos()) | {"kind": "JointPoss"}
    with pytest.raises(UnknownNameError, match="There is no observation named 'JointPoss'. Did you mean 'JointPos'"):
        observation_terms([entry])
    with pytest.raises(UnknownNameError, match="There is no success term named 'None'"):
        success_term({})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wobble": 1.0}, "The contract's action 'GripperOpening' has an unknown key 'wobble'. Known: span_rad"),
        ({"span_rd": 1.0}, "'GripperOpening' has an unknown key 'span_rd'. Did you mean 'span_rad'"),
        ({"span_rad": {"low": 0.0}}, "action 'GripperOpening' can not be made from its parameters: .*'high'"),
        ({"span_rad": {"low": 1.0, "high": 0.0}}, "finite low <= high"),
    ],
)
def test_parameters_that_do_not_fit_are_explained(change: dict[str, Any], message: str) -> None:
    entry = through_json(GripperOpening())
    entry["params"] |= change
    with pytest.raises(BadInputError, match=message):
        action_terms([entry])


def test_a_changed_number_makes_another_term() -> None:
    term = UNUSUAL[0]
    assert observation_terms([through_json(replace(term, scale=0.3))])["it"] != term
