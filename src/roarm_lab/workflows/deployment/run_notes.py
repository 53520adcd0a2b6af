"""Why fewer episodes may have succeeded on an arm than in the evaluation, where the run itself shows it."""

from roarm_lab.policies.bundle import Bundle
from roarm_lab.runs.training_worlds import without_delays
from roarm_lab.workflows.arm_session import VIRTUAL
from roarm_lab.workflows.deployment.run_request import RunResult

MISSED_SHARE = 0.01
"""A choice: periods without a turn that show a computer too busy for real time."""


def notes_of(result: RunResult, bundle: Bundle) -> list[str]:
    """Return one line for each cause that shows in the result of a run; none where all went well.

    Args:
        result: How it went.
        bundle: The policy.
    """
    return [*_without_delays(result, bundle), *_too_busy(result), *_unanswered(result)]


def _without_delays(result: RunResult, bundle: Bundle) -> list[str]:
    missed = any(episode.success is False and episode.held is None for episode in result.episodes)
    if result.arm == "sim" or result.dry_run or not missed or result.sample_age_ms is None:
        return []
    if not without_delays(bundle):
        return []
    task, age_ms = bundle.contract.interface["task"], result.sample_age_ms["p50"]
    return [
        f"The policy was trained without delays, and on this arm angles are {age_ms:.0f} ms old and targets come late: "
        f"fewer episodes succeed than in its evaluation. Train with delays: "
        f"`train({task!r}, domain_randomization='default')`"
    ]


def _too_busy(result: RunResult) -> list[str]:
    if not result.real_time:
        return []
    virtual = result.arm in VIRTUAL
    stale = sum(episode.stale for episode in result.episodes)
    periods = f"{result.missed} periods went by without a turn"
    found = [periods] if result.missed > MISSED_SHARE * result.cycles else []
    if virtual and stale:  # nothing but this computer can keep such an arm from being read
        found.append(f"{stale} of {result.goals} episodes were held because readings came too late")
    if not found:
        return []
    advice = "Add `fast=True` to run in simulated time" if virtual else "Free it"
    return [f"This computer is too busy for real time: {', '.join(found)}. {advice}, or end what else it computes."]


def _unanswered(result: RunResult) -> list[str]:
    if not result.unanswered:
        return []
    share = result.unanswered / max(result.cycles, 1)
    return [
        f"The policy server gave no action in time in {result.unanswered} of {result.cycles} cycles ({share:.1%}); the "
        "arm kept its target in these. A nearer or less busy server helps, or a longer `deadline_ms=`."
    ]
