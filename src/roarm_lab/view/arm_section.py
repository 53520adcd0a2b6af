"""What happened when the policy drove an arm through the gateway, and whether that agrees with the evaluation."""

from math import hypot, isfinite
from statistics import median

from roarm_lab.evaluation.evaluate import Evaluation
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.runs.run_reader import ArmRun
from roarm_lab.view import formatting
from roarm_lab.view.intervals import common_scale, interval_head, rate_cells
from roarm_lab.view.markup import Html, html, tag
from roarm_lab.view.page import folded, number, number_head, record, section, table

LATE = {"p50": "half at most", "p99": f"99{formatting.SPACE}% at most", "max": "the worst"}

UNJUDGED = "Whether it succeeded is unknown: nothing could judge every goal, as the arm does not feel what it holds."
RESULTS = {True: "held", False: "missed", None: "unknown"}
PACES = {True: "real time", False: "as fast as it goes", None: "not recorded"}


def arm_section(run: ArmRun, found: Evaluation | None) -> Html:
    """Return the run on an arm, beside the evaluation if there is one."""
    title = "On the simulated arm" if run.arm.startswith("sim") else f"On the arm {run.arm!r}"
    if not run.goals:
        return section(title, tag("p", "No goal was finished, so there is nothing to count."), _facts(run))
    if run.interval is None:
        return section(title, tag("p", UNJUDGED), _facts(run), _goals(run))
    return section(title, _comparison(run, run.interval, found), _facts(run), _goals(run))


def difference_interval(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float, float]:
    """Return the difference of two success rates (second minus first) and its 95 % interval.

    Each argument is (successes, tries). Newcombe's method 10, which is built from two Wilson intervals: R. G. Newcombe,
    Statistics in Medicine 17 (1998) 873-890.
    """
    (rate1, (low1, high1)), (rate2, (low2, high2)) = ((s / n, wilson_interval(s, n)) for s, n in (first, second))
    gap = rate2 - rate1
    return gap, gap - hypot(rate2 - low2, high1 - rate1), gap + hypot(high2 - rate2, rate1 - low1)


def _comparison(run: ArmRun, interval: tuple[float, float], found: Evaluation | None) -> Html:
    rows = [("on the arm", run.successes, run.goals, interval)]
    if found is not None:
        rows.append(("in the evaluation", found.successes, found.episodes, found.interval))
    scale = common_scale(between for *_, between in rows)
    head = ("where", number_head("success"), interval_head(scale), number_head("goals"))
    lines = (
        tag(
            "tr",
            tag("th", name, scope="row"),
            *rate_cells(good / tries, between, scale),
            number(formatting.count(tries)),
        )
        for name, good, tries, between in rows
    )
    verdict = tag("p", _verdict(run, found), class_="after") if found is not None else None
    return html(table(head, tag("tbody", *lines)), verdict)


def _verdict(run: ArmRun, found: Evaluation) -> str:
    gap, low, high = difference_interval((found.successes, found.episodes), (run.successes, run.goals))
    told = (
        f"The difference to the evaluation is {_points(gap)} percentage points; with 95{formatting.SPACE}% "
        f"confidence it is between {_points(low)} and {_points(high)} (after Newcombe). "
    )
    if low > 0.0:
        return told + "The arm did better."
    if high < 0.0:
        return told + "The arm did worse: look first at how late cycles began and at the holds."
    return told + "The two do not contradict each other."


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "\u2212")


def _facts(run: ArmRun) -> Html:
    gaps = [gap for gap, _ in run.episodes if gap is not None and isfinite(gap)]
    late = ", ".join(f"{LATE[name]} {formatting.milliseconds(value)}" for name, value in run.late_ms)
    held = {reason: run.held.count(reason) for reason in run.held}
    return record((
        ("arm", run.arm),
        ("goals reached and held", _reached(run)),
        ("distance at the end", f"{formatting.distance(median(gaps))} (median)" if gaps else "not recorded"),
        ("pace", PACES[run.real_time]),
        ("how late cycles began", "means nothing at this pace" if run.real_time is False else late or "not recorded"),
        ("holds by the gateway", "; ".join(f"{times} \u00d7 {why}" for why, times in held.items()) or "none"),
    ))  # fmt: skip


def _reached(run: ArmRun) -> str:
    if run.goals and run.interval is None:
        return f"unknown; {formatting.count(run.successes)} of {formatting.count(run.goals)} for sure"
    return f"{formatting.count(run.successes)} of {formatting.count(run.goals)}"


def _goals(run: ArmRun) -> Html | None:
    if not run.episodes:
        return None
    rows = (
        tag(
            "tr",
            tag("th", index, scope="row"),
            number("not recorded" if gap is None else formatting.distance(gap)),
            tag("td", RESULTS[good]),
        )
        for index, (gap, good) in enumerate(run.episodes, start=1)
    )
    head = ("goal", number_head("distance at the end"), "result")
    return folded(f"All {formatting.plural(len(run.episodes), 'goal')}", table(head, tag("tbody", *rows)))
