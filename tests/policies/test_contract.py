"""The contract as text, and the differences that are told."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.policies.contract import (
    Contract,
    DriftError,
    InterfaceError,
    action_size,
    check_complete,
    check_drift,
    check_interface,
    differences,
    drift,
    observed,
    parse_contract,
)
from roarm_lab.policies.contract_keys import INTERFACE
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from tests.bundles import contract_of

HERE = "contract.json"
CONTRACT = contract_of(reach())


def text_of(**changes: Any) -> str:
    return json.dumps(json.loads(CONTRACT.to_json()) | changes)


def changed(change: Callable[[dict[str, Any]], object]) -> Contract:
    interface = copy.deepcopy(dict(CONTRACT.interface))
    change(interface)
    return replace(CONTRACT, interface=interface)


def test_a_contract_survives_its_file() -> None:
    whole = replace(CONTRACT, evaluation={"successes": 9, "episodes": 10})
    assert parse_contract(whole.to_json(), HERE) == replace(whole, interface=json.loads(json.dumps(whole.interface)))
    check_interface(parse_contract(whole.to_json(), HERE), interface_of(reach()))


def test_the_interface_says_everything_that_the_list_promises() -> None:
    assert set(INTERFACE) == set(interface_of(reach()))


@pytest.mark.parametrize("task", [reach(), lift_cube()], ids=lambda task: task.task)
def test_every_part_has_the_keys_that_the_list_promises(task: EnvConfig) -> None:
    check_complete(contract_of(task))
    check_complete(parse_contract(contract_of(task).to_json(), HERE))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda i: i.update(joint=[]), "interface has an unknown key 'joint'. Did you mean 'joints'"),
        (
            lambda i: i["joints"][2].update(lower_deg=0),
            r"joints\[2\] has an unknown key 'lower_deg'",
        ),
        (lambda i: i["joints"][2].pop("max_lead_rad"), r"joints\[2\] does not say: max_lead_rad"),
        (lambda i: i["observations"][1].update(frame="w"), r"observations\[1\] has an unknown key 'frame'"),
        (lambda i: i["observations"][1].pop("meaning"), r"observations\[1\] does not say: meaning"),
        (lambda i: i["commands"]["goal"].pop("params"), "commands.goal does not say: params"),
        (lambda i: i["success"].update(kindd="x"), "success has an unknown key 'kindd'. Did you mean 'kind'"),
        (lambda i: i.update(success=3), "success must be a JSON object, got 3"),
        (lambda i: i.update(start={}), "start must be a list, got {}"),
        (lambda i: i.update(commands=[]), r"commands must be a JSON object, got \[\]"),
        (lambda i: i.update(control_dt_s=True), "control_dt_s must be a number, got true"),
        (
            lambda i: i["joints"][0].update(max_speed_rad_s="2"),
            r"joints\[0\].max_speed_rad_s must be a number, got .2.",
        ),
        (lambda i: i["start"][0].update(params=[]), r"start\[0\].params must be a JSON object, got \[\]"),
        (lambda i: i["success"].update(meaning=None), "success.meaning must be text, got null"),
        (lambda i: i["observations"][0].update(components="xyz"), r"components must be a list, got .xyz."),
        (lambda i: i["actions"].append("up"), r"actions\[1\] must be a JSON object, got .up."),
    ],
)
def test_what_nobody_reads_and_what_is_left_open_is_refused(
    change: Callable[[dict[str, Any]], object], told: str
) -> None:
    with pytest.raises(InterfaceError, match=told):
        check_complete(changed(change))


def test_words_may_differ_and_truth_values_are_no_numbers() -> None:
    check_interface(changed(lambda i: i["observations"][0].update(meaning="something")), interface_of(reach()))
    assert differences({"a": True}, {"a": 1}) == ["interface.a: True in the bundle, 1 here"]
    assert differences({"a": 1.0}, {"a": True}) == ["interface.a: 1.0 in the bundle, True here"]
    assert differences({"a": True}, {"a": True}) == []


def test_a_contract_with_a_number_that_is_none_is_not_written() -> None:
    with pytest.raises(BadInputError, match="not finite"):
        replace(CONTRACT, evaluation={"success_rate": math.nan}).to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "contract.json can not be read: it is not valid JSON"),
        ('{"schema": 1,', "contract.json can not be read: it is not valid JSON"),
        ('{"schema": 1, "schema": 2}', "the key 'schema' comes twice"),
        ('{"schema": 1, "interface": {"control_dt_s": NaN}}', "not valid JSON: NaN is not a number"),
        ('{"schema": 1, "interface": {"control_dt_s": -Infinity}}', "not valid JSON: -Infinity is not a number"),
        ("[" * 100_000, "not valid JSON"),
        ("[1, 2]", "must hold a JSON object, got list"),
        (text_of(schema=3), "has schema 3; this version of RoArm Lab reads 1 and 2"),
        (text_of(schema=None), "has schema null"),
        (text_of(schema=True), "has schema true"),
        (text_of(schema=2.0), "has schema 2.0"),
        (text_of(schema="2"), "has schema .2."),
        (text_of(schem=2), "contract.json has an unknown key 'schem'. Did you mean 'schema'?"),
        (text_of(interface={"joint": []}), "json: interface has an unknown key 'joint'. Did you mean 'joints'?"),
        (text_of(schema=1, interface={"meanings": {}}), "json: interface has an unknown key 'meanings'"),
        (text_of(provenance={"hashes": {"model": 3}}), "provenance.hashes.model must be text, got 3"),
        (text_of(interface=None), "has no part 'interface'; it needs schema, interface, provenance"),
        (text_of(provenance=[]), "has no part 'provenance'"),
        (text_of(provenance={"hashes": ["a"]}), "provenance.hashes must be a JSON object, got list"),
        (text_of(evaluation="good"), "evaluation must be a JSON object, got str"),
    ],
)
def test_a_damaged_contract_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        parse_contract(text, HERE)
    assert caught.value.exit_code == 2


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text: str) -> None:
    with pytest.raises(BadInputError):
        parse_contract(text, HERE)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda i: i.update(robot="roarm_m2"), "interface.robot: 'roarm_m2' in the bundle, 'roarm_m3' here"),
        (lambda i: i.update(control_dt_s=0.04), "interface.control_dt_s: 0.04 in the bundle, 0.05 here"),
        (lambda i: i["joints"].reverse(), r"interface.joints: \['gripper', .*'base'\] in the bundle, \['base', "),
        (lambda i: i["joints"].pop(), r"interface.joints: \['base', 'shoulder', 'elbow', 'wrist', 'roll'\] in the"),
        (lambda i: i["joints"][1].update(upper_rad=2.0), r"interface.joints\[1\].upper_rad: 2.0 in the bundle, 1.57"),
        (lambda i: i["observations"][0].update(unit="deg"), r"observations\[0\].unit: 'deg' in the bundle, 'rad' here"),
        (lambda i: i["observations"][0].update(size=7), r"observations\[0\].size: 7 in the bundle, 6 here"),
        (lambda i: i["observations"].insert(0, i["observations"].pop()), r"observations: \['last_action', 'joint_pos'"),
        (lambda i: i["observations"][1]["components"].reverse(), r"observations\[1\].components: \['gripper', 'roll'"),
        (lambda i: i["observations"][1]["params"].update(scale=1.0), r"observations\[1\].params.scale: 1.0 in the"),
        (lambda i: i["actions"][0]["params"].update(step_rad=0.2), r"actions\[0\].params.step_rad: 0.2 in the bundle"),
        (lambda i: i["actions"][0].update(kind="EePose"), r"actions\[0\].kind: 'EePose' in the bundle, 'JointDelta'"),
        (lambda i: i["output"]["shape"].append(1), r"output.shape: \['batch', 'step', 6, 1\] in the bundle, \['ba"),
        (lambda i: i["commands"].update(speed={}), "interface.commands.speed: unknown here"),
        (lambda i: i.pop("success"), "interface.success: missing in the bundle"),
        (lambda i: i["success"]["params"].update(within_m=0.05), "success.params.within_m: 0.05 in the bundle, 0.02"),
        (lambda i: i.update(control_dt_s="fast"), "control_dt_s: 'fast' in the bundle, 0.05 here"),
        (lambda i: i.update(joints="six"), "interface.joints: 'six' in the bundle"),
    ],
)
def test_each_difference_of_the_interface_is_said(change: Callable[[dict[str, Any]], object], told: str) -> None:
    with pytest.raises(InterfaceError, match=told) as caught:
        check_interface(changed(change), interface_of(reach()))
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 400


def test_of_many_differences_the_first_are_told_and_the_others_counted() -> None:
    def spoil(interface: dict[str, Any]) -> None:
        for joint in interface["joints"]:
            joint["lower_rad"], joint["upper_rad"] = -9.0, 9.0

    with pytest.raises(InterfaceError, match="; and 4 more.$"):
        check_interface(changed(spoil), interface_of(reach()))


def test_rounding_and_the_order_of_json_keys_are_no_difference() -> None:
    assert differences({"a": 0.1 + 0.2, "b": 1}, {"b": 1.0, "a": 0.3}) == []
    assert differences({"a": 0.3001}, {"a": 0.3}) == ["interface.a: 0.3001 in the bundle, 0.3 here"]


@pytest.mark.parametrize("name", ["model", "task"])
def test_drift_is_reported_refused_and_can_be_accepted(name: str) -> None:
    here = hashes_of(reach())
    other = here | {name: "f" * 64}
    assert drift(CONTRACT, here) == []
    told = f"{name}: trained on {here[name][:12]}, here ffffffffffff"
    with pytest.raises(DriftError, match=f"trained on something else: {told}.*allow_drift=True") as caught:
        check_drift(CONTRACT, other, allow=False)
    assert caught.value.exit_code == 2
    assert check_drift(CONTRACT, other, allow=True) == [told]


def trained_with(randomization: str) -> Contract:
    """Return the contract of a policy whose training was randomised in a way that has this hash."""
    hashes = hashes_of(reach()) | {"randomization": randomization}
    return replace(CONTRACT, provenance={**CONTRACT.provenance, "hashes": hashes})


def test_drift_of_the_randomisation_says_who_was_randomised() -> None:
    here = hashes_of(reach())
    other, third = here | {"randomization": "f" * 64}, here | {"randomization": "e" * 64}
    (nominal,) = drift(trained_with("f" * 64), here)
    assert nominal == "randomization: trained on worlds that differ (ffffffffffff), here all worlds are nominal"
    assert drift(CONTRACT, other) == ["randomization: trained on nominal worlds, here worlds differ (ffffffffffff)"]
    (ways,) = drift(trained_with("f" * 64), third)
    assert ways == "randomization: trained on worlds that differ (ffffffffffff), here in another way (eeeeeeeeeeee)"
    assert drift(trained_with("f" * 64), other) == []
    with pytest.raises(DriftError, match="here all worlds are nominal.*allow_drift=True"):
        check_drift(trained_with("f" * 64), here, allow=False)


def test_other_rewards_are_no_drift_and_a_missing_hash_is() -> None:
    here = hashes_of(reach())
    assert drift(CONTRACT, here | {"rewards": "0" * 64}) == []
    bare = replace(CONTRACT, provenance={})
    assert len(drift(bare, here)) == 3
    assert drift(bare, here)[0].startswith("model: trained on None, here ")


def test_what_a_contract_leaves_open_is_named() -> None:
    check_complete(CONTRACT)
    with pytest.raises(InterfaceError, match="does not say: episode_s, start"):
        check_complete(changed(lambda i: (i.pop("episode_s"), i.pop("start"))))


def test_the_terms_are_read_in_order() -> None:
    found = observed(CONTRACT)
    assert [(term.name, term.size, term.source) for term in found[:3]] == [
        ("joint_pos", 6, "measured"),
        ("joint_vel", 6, "derived"),
        ("target_lead", 6, "derived"),
    ]
    assert action_size(CONTRACT) == 6


@pytest.mark.parametrize("entries", [None, "abc", [3], [{"name": "x"}], [{"nothing": 1}]])
def test_a_list_of_terms_that_is_none_is_refused(entries: object) -> None:
    with pytest.raises(InterfaceError, match="list of observations can not be read"):
        observed(changed(lambda i: i.update(observations=entries)))
    with pytest.raises(InterfaceError, match="list of actions can not be read"):
        action_size(changed(lambda i: i.update(actions=entries)))
