"""The question that a run answers, the answer, and where and why it fails."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from roarm_lab.core.json_objects import object_or_empty
from roarm_lab.core.object_references import short_name
from roarm_lab.envs.goal import goal_of
from roarm_lab.evaluation.evaluate import Evaluation, RegionResult
from roarm_lab.runs.run_reader import RunFiles, wall_time_s
from roarm_lab.view import formatting
from roarm_lab.view.chart import interval_bar
from roarm_lab.view.intervals import CONFIDENCE, common_scale, interval_head, rate_cells, scale_ends
from roarm_lab.view.markup import Html, html, tag
from roarm_lab.view.page import note, number, number_head, section, table
from roarm_lab.view.ticks import Ticks, round_ticks


def question(run: RunFiles) -> tuple[str, str | None]:
    """Return the question in one sentence, and what exactly counts as success (None when the task is not known)."""
    goal = goal_of(_about(run))
    if goal is None or goal.success.holds is None or goal.success.within_m is None:
        return f"How often does this policy succeed at the task {_task(run)!r}?", None
    near, besides = formatting.tolerance(goal.success.within_m), goal.success.besides
    return (
        f"How often does this policy hold {goal.success.holds} within {near} of {goal.target} at the end of "
        f"{goal.episode_s:g}{formatting.SPACE}s?",
        f"An episode is a success when the distance stays below {near}{besides and f' and {besides}'}, without a "
        f"break, during its last {goal.hold_s:g}{formatting.SPACE}s.",
    )


def answer(run: RunFiles) -> Html:
    """Return the success rate, how sure it is, and how fast and exact the policy is."""
    found = run.evaluation
    if found is None:
        return section("The answer", tag("p", _no_answer(run)))
    scale = round_ticks(0.0, 1.0)
    low, high = found.interval
    told = tag(
        "div",
        tag("p", tag("strong", f"{CONFIDENCE}: {formatting.percent_range(found.interval)}")),
        interval_bar(found.success_rate, found.interval, scale, f"{low:.1%} to {high:.1%} on a scale from 0 to 100 %"),
        scale_ends(scale),
        tag("p", html(
            f"{formatting.count(found.successes)} of {formatting.plural(found.episodes, 'fresh random episode')} "
            "in simulation, without exploration noise. Interval after Wilson."
        ), class_="soft small"),
    )  # fmt: skip
    rate = tag("p", formatting.percent(found.success_rate), class_="rate")
    old = "This evaluation belongs to an earlier policy of this run: the bundle has been written anew since."
    big = tag("div", rate, told, class_="answer")
    return section("The answer", big, _facts(run, found), note(old) if run.stale else None)


def by_start(found: Evaluation) -> Html | None:
    """Return success by where an episode began, with intervals on one scale; None if the task knows no regions."""
    if not found.regions:
        return None
    scale = common_scale(row.interval for row in found.regions)
    head = ("start", number_head("success"), interval_head(scale), number_head("episodes"))
    bodies = (_group(name, list(rows), scale) for name, rows in groupby(found.regions, key=lambda row: row.name))
    small = "Few episodes make a wide interval: such a rate may be luck. Every group counts all episodes once."
    return section("Success by start", table(head, *bodies), tag("p", small, class_="soft small after"))


def failures(found: Evaluation) -> Html:
    """Return why the failed episodes failed."""
    failed = found.episodes - found.successes
    if not failed:
        return section(
            "Why it failed", tag("p", f"It did not: {formatting.plural(found.episodes, 'success', 'successes')}.")
        )
    rows = (
        tag(
            "tr",
            tag("th", reason, scope="row"),
            number(formatting.count(times)),
            number(formatting.percent(times / failed)),
        )
        for reason, times in sorted(found.failures.items(), key=lambda item: -item[1])
    )
    told = f"{formatting.count(failed)} of {formatting.plural(found.episodes, 'episode')} failed."
    head = ("reason", number_head("episodes"), number_head("share of failures"))
    blown = (
        note(f"The simulation diverged in {formatting.plural(found.diverged, 'episode')}; they count as failures.")
        if found.diverged
        else None
    )
    return section("Why it failed", tag("p", told), table(head, tag("tbody", *rows)), blown)


def _facts(run: RunFiles, found: Evaluation) -> Html:
    times, gap = found.time_to_success_s, found.final_distance_m
    goal = goal_of(_about(run))
    within_m = goal and goal.success.within_m
    asked = f" (allowed: {1e3 * within_m:g}{formatting.SPACE}mm)" if within_m is not None else ""
    facts = (
        ("Time to success", formatting.seconds(times["median"]) if times else "none",
         f"median of the successes; nine of ten were there for good after {formatting.seconds(times['p90'])}"
         if times else "no episode succeeded"),
        ("Distance at the end", formatting.distance(gap["median"]),
         f"median of all episodes; nine of ten ended within {formatting.distance(gap['p90'])}{asked}"),
        *_training(run),
    )  # fmt: skip
    return tag(
        "dl",
        *(
            tag("div", tag("dt", name), tag("dd", value, class_="value"), tag("dd", more, class_="soft small"))
            for name, value, more in facts
        ),
        class_="facts",
    )


def _training(run: RunFiles) -> list[tuple[str, str, str]]:
    if run.curve is None:
        return []
    steps = (
        f"for {formatting.count(run.curve['steps'][-1])} environment steps, seed {run.meta.data.get('seed', 'unknown')}"
    )
    return [("Training took", formatting.duration(wall_time_s(run.curve)), steps)]


def _no_answer(run: RunFiles) -> str:
    if run.curve is None:
        return "There is no answer yet: this run was stopped before its first rollout ended."
    steps = formatting.count(run.curve["steps"][-1])
    return f"There is no answer yet: this run has trained for {steps} steps and has not been evaluated."


def _group(name: str, rows: list[RegionResult], scale: Ticks) -> Html:
    heading = tag("tr", tag("th", name, scope="rowgroup", colspan=4))
    return tag("tbody", heading, *(_row(row, scale) for row in rows))


def _row(row: RegionResult, scale: Ticks) -> Html:
    if row.success_rate is None or row.interval is None:
        return tag("tr", tag("th", row.range, scope="row", class_="keep"), number("no episode"), tag("td"), number("0"))
    return tag(
        "tr",
        tag("th", row.range, scope="row", class_="keep"),
        *rate_cells(row.success_rate, row.interval, scale),
        number(formatting.count(row.episodes)),
    )


def _about(run: RunFiles) -> Mapping[str, Any]:
    """Return what is known about the task: of the policy's contract, before there is one of the run's settings."""
    return run.contract.interface if run.contract else object_or_empty(run.meta.data.get("env"))


def _task(run: RunFiles) -> str:
    return short_name(str(run.meta.data.get("task") or _about(run).get("task") or "unknown"))
