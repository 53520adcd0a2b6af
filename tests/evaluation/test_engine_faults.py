"""Contacts that the simulator leaves out are said, with how many worlds it were."""

from typing import Any

import pytest

from roarm_lab.evaluation.engine_faults import contacts_left_out, overflow_in_words, worlds_diverged
from roarm_lab.evaluation.evaluate import evaluate
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from tests.envs.toy_task import toy_config


def test_only_what_leaves_contacts_out_is_said() -> None:
    assert overflow_in_words({}, 64) is None
    assert overflow_in_words({"ITERATIONS": 64, "LS_ITERATIONS": 3}, 64) is None
    assert overflow_in_words({"NEFC": 5, "NARROWPHASE": 1200, "ITERATIONS": 2}, 4096) == (
        "the simulator left contacts out in 1,200 of 4,096 worlds, for lack of room (NEFC 5, NARROWPHASE 1200)"
    )


def test_a_run_that_left_contacts_out_has_a_finding() -> None:
    meta: dict[str, Any] = {"settings": {"num_envs": 64}, "overflows": {"NEFC": 7}}
    (finding,) = contacts_left_out(meta)
    assert finding.name == "contacts left out"
    assert "in 7 of 64 worlds" in finding.evidence


@pytest.mark.parametrize(
    "meta", [{}, {"overflows": {}}, {"overflows": {"NEFC": "x"}, "settings": {}}, {"overflows": 3}]
)
def test_a_run_that_did_not_or_does_not_say_has_none(meta: dict[str, Any]) -> None:
    assert contacts_left_out({"settings": {"num_envs": 64}} | meta) == []


def test_worlds_that_blow_up_often_are_a_finding_and_a_single_one_is_not() -> None:
    steps = [50_000.0, 100_000.0, 400_000.0]
    (finding,) = worlds_diverged({"steps": steps, "diverged": [0.0, 30.0, 4.0]})  # the count began anew at a resume
    assert "30 worlds blew up in 400,000 steps" in finding.evidence
    for counts in ([0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [float("nan")] * 3):
        assert worlds_diverged({"steps": steps, "diverged": counts}) == []
    assert worlds_diverged({}) == []


def test_an_evaluation_adds_up_the_worlds_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roarm_lab.evaluation.evaluate.MAX_WORLDS", 2)
    monkeypatch.setattr(MujocoCpu, "overflows", lambda self: {"NEFC": self.num_envs})
    config = toy_config()
    size = sum(term.size(config.scene()) for term in config.actions.values())
    found = evaluate(lambda terms: still(terms, size), config, episodes=5, seed=0)
    assert found.overflows == {"NEFC": 5}
    assert found.to_plain()["overflows"] == {"NEFC": 5}


def still(terms: Any, size: int) -> Any:
    first = next(iter(terms.values()))
    return 0.0 * first[:, :1, None].repeat(size, axis=2)
