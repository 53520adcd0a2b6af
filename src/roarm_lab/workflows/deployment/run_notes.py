"""Why fewer episodes may have succeeded on an arm than in the evaluation, where the run itself shows it."""

from collections.abc import Mapping
from typing import Any

from roarm_lab.policies.bundle import Bundle
from roarm_lab.workflows.arm_session import HERE
from roarm_lab.workflows.evaluation.worlds import trained_without_delays

MISSED_SHARE = 0.01
"""A choice: periods without a turn that show a computer too busy for real time."""


def notes_of(summary: Mapping[str, Any], bundle: Bundle) -> list[str]:
    """Return one line for each cause that shows in the summary of a run; none where all went well.

    Args:
        summary: As it is written beside the log.
        bundle: The policy.
    """
    return [*_without_delays(summary, bundle), *_too_busy(summary)]


def _without_delays(summary: Mapping[str, Any], bundle: Bundle) -> list[str]:
    missed = any(episode["success"] is False and episode["held"] is None for episode in summary["episodes"])
    if summary["arm"] == "sim" or summary["dry_run"] or not missed:
        return []
    if not trained_without_delays(bundle):
        return []
    task, age_ms = bundle.contract.interface["task"], summary["sample_age_ms"]["p50"]
    return [
        f"The policy was trained without delays, and on this arm angles are {age_ms:.0f} ms old and targets come late: "
        f"fewer episodes succeed than in its evaluation. Train with delays: roarm train {task} "
        f"--domain-randomization default"
    ]


def _too_busy(summary: Mapping[str, Any]) -> list[str]:
    if not summary["real_time"]:
        return []
    cycles, missed, here = summary["cycles"], summary["missed"], summary["arm"] in HERE
    stale = sum(episode["stale"] for episode in summary["episodes"])
    found = [f"{missed} periods went by without a turn"] if missed > MISSED_SHARE * cycles else []
    if here and stale:  # nothing but this computer can keep such an arm from being read
        found.append(f"{stale} of {summary['goals']} episodes were held because readings came too late")
    if not found:
        return []
    advice = "Add --fast to run in simulated time" if here else "Free it"
    return [f"This computer is too busy for real time: {', '.join(found)}. {advice}, or end what else it computes."]
