"""What a run says about why fewer episodes succeeded than in the evaluation."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roarm_lab.cli.main import main
from roarm_lab.core.configs import Range
from roarm_lab.envs.randomization import DomainRandomization, randomization_yaml, randomized
from roarm_lab.gateway.loop import EpisodeLog
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.tasks.reach import reach
from roarm_lab.workflows.deployment.run_notes import notes_of
from roarm_lab.workflows.deployment.run_request import RunResult
from tests.bundles import still_bundle

LATE = DomainRandomization()
DONE = EpisodeLog(success=True, distance_m=0.01, cycles=50, worst_late_s=0.0, missed=0, held=None)
MISSED, UNJUDGED = replace(DONE, success=False), replace(DONE, success=None)
HELD = replace(MISSED, held="The arm was stopped.")
STALE = replace(HELD, stale=True)
IN_TIME = replace(LATE, action_delay_s=Range(0.0, 0.0), measurement_delay_s=Range(0.0, 0.0))


def bundle_of(folder: Path, worlds: DomainRandomization | None = None) -> Bundle:
    """Return the bundle of a run that was trained in such worlds."""
    if worlds is None:
        return load_bundle(still_bundle(folder / "bundle"))
    (folder / "meta.json").write_text("{}")
    (folder / "domain_randomization.yaml").write_text(randomization_yaml(worlds))
    return load_bundle(still_bundle(folder / "bundle", randomized(reach(), worlds)))


RESULT = RunResult(
    arm="emulator",
    dry_run=False,
    robot="roarm_m3",
    bundle="bundle",
    real_time=True,
    goals=2,
    successes=1,
    success_rate=0.5,
    interval=(0.1, 0.9),
    rate_hz=20.0,
    cycles=100,
    cycle_late_ms=None,
    cycle_compute_ms=None,
    sample_age_ms={"p50": 47.2},
    missed=0,
    held=(),
    drift=(),
    episodes=(DONE, MISSED),
    ended_by=None,
    station=None,
    log=Path("log"),
    about={},
)
"""A run in real time of which nothing is to be said but perhaps its delays."""


@pytest.mark.parametrize("worlds", [None, IN_TIME], ids=["nominal", "without delays"])
@pytest.mark.parametrize("arm", ["emulator", "serial:/dev/ttyUSB0"])
def test_a_policy_without_delays_is_said_to_be_one_on_an_arm_that_has_them(
    tmp_path: Path, worlds: DomainRandomization | None, arm: str
) -> None:
    (note,) = notes_of(replace(RESULT, arm=arm), bundle_of(tmp_path, worlds))
    assert note.startswith("The policy was trained without delays, and on this arm angles are 47 ms old")
    assert "`train('reach', domain_randomization='default')`" in note


@pytest.mark.parametrize(
    "changed",
    [
        {"arm": "sim"},
        {"dry_run": True, "episodes": (UNJUDGED,)},
        {"cycles": 0, "episodes": (HELD,), "sample_age_ms": None},
        {
            "episodes": (
                DONE,
                HELD,
            )
        },
        {
            "episodes": (
                DONE,
                UNJUDGED,
            )
        },
    ],
    ids=str,
)
def test_where_delays_explain_nothing_nothing_is_said(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert notes_of(replace(RESULT, **changed), bundle_of(tmp_path)) == []


def test_a_policy_that_met_delays_is_told_nothing_of_them(tmp_path: Path) -> None:
    assert notes_of(RESULT, bundle_of(tmp_path, LATE)) == []


def test_a_run_folder_that_is_damaged_stops_no_run(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, LATE)
    (tmp_path / "domain_randomization.yaml").write_text("link_mass: {low: nonsense}\n")
    assert notes_of(RESULT, bundle) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"missed": 2}, "2 periods went by without a turn."),
        (
            {
                "episodes": (
                    STALE,
                    MISSED,
                )
            },
            "1 of 2 episodes were held because readings came too late.",
        ),
    ],
)
def test_a_computer_too_busy_for_real_time_is_told_with_the_way_out(
    tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    (note,) = notes_of(replace(RESULT, arm="sim", **changed), bundle_of(tmp_path))
    assert note.startswith(f"This computer is too busy for real time: {told} Add `fast=True`")
    assert notes_of(replace(RESULT, arm="sim", real_time=False, **changed), bundle_of(tmp_path / "again")) == []


def test_a_real_arm_that_is_silent_is_not_blamed_on_this_computer(tmp_path: Path) -> None:
    stale = replace(RESULT, arm="serial", episodes=(STALE,))
    assert notes_of(stale, bundle_of(tmp_path)) == []
    (note,) = notes_of(replace(stale, missed=5), bundle_of(tmp_path / "again"))
    assert "fast" not in note


def test_a_run_says_it_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still_bundle(folder / "bundle")
    assert main(["run", "bundle", "--arm", "emulator", "--fast", "--episodes", "1"]) == 0
    out = capsys.readouterr().out
    assert out.count("note        The policy was trained without delays") == 1
    (made,) = (folder / "arm_runs").iterdir()
    assert len(json.loads((made / "summary.json").read_text())["notes"]) == 1
    assert "Train with delays: roarm train reach --domain-randomization default" in out
    assert main(["run", "bundle", "--fast", "--episodes", "1"]) == 0
    assert "note" not in capsys.readouterr().out
