"""Every episode has ended in one way, and there is one set of words for it."""

import numpy as np
import pytest

from roarm_lab.envs.episodes import Episodes
from roarm_lab.evaluation.outcomes import Outcome, failures_by_reason, outcome_of
from roarm_lab.tasks.reach import reach


def ended(**flags: object) -> Episodes:
    """One episode of 20 steps that ended as the flags say."""
    plain = {"success": False, "reached": False, "held_steps": 0, "diverged": False, "terminated": False} | flags
    rest = {"world": 0, "length": 20, "first_step": -1, "distance_m": 0.1}
    return Episodes(**{name: np.array([value]) for name, value in (plain | rest).items()}, returns={}, regions={})


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"success": True, "reached": True, "held_steps": 9}, "done, and held for 0.45 s"),
        ({"reached": True, "held_steps": 7}, "got there too late to hold 0.4 s"),
        ({"reached": True}, "got there and left again"),
        ({}, "never got there"),
        ({"reached": True, "held_steps": 9, "terminated": True}, "ended early"),
        ({"reached": True, "diverged": True}, "simulation diverged"),
    ],
)
def test_every_ending_has_words(flags: dict[str, object], words: str) -> None:
    assert outcome_of(ended(**flags), reach()) == Outcome(bool(flags.get("success")), words)


def test_the_words_of_a_failure_are_those_by_which_results_count_it() -> None:
    some = [{}, {"reached": True}, {"reached": True, "held_steps": 7}, {"terminated": True}, {"diverged": True}]
    for flags in some:
        found = failures_by_reason(ended(**flags), reach())
        assert [reason for reason, rows in found.items() if rows[0]] == [outcome_of(ended(**flags), reach()).words]
    assert not any(rows[0] for rows in failures_by_reason(ended(success=True, held_steps=9), reach()).values())
