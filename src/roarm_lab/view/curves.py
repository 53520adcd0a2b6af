"""How training went: success over environment steps, and what PPO did meanwhile."""

from dataclasses import dataclass
from math import ceil, isfinite, nan

from roarm_lab.runs.run_reader import RunFiles, thinned
from roarm_lab.view import formatting
from roarm_lab.view.chart import Axis, Level, Line, Mark, has_points, line_chart
from roarm_lab.view.markup import Html, html, tag
from roarm_lab.view.page import note, section

POINTS = 400
"""More points than this can not be told apart on a page; longer curves are averaged."""
REWARD = "reward_"


@dataclass(frozen=True)
class Steps:
    """The horizontal axis: environment steps in a handy unit."""

    values: list[float]
    axis: Axis


def learning(run: RunFiles) -> Html:
    """Return the learning curve and four small charts, or in words why there is none."""
    title = "How it learned"
    if run.curve is None:
        none = "There is no learning curve: training was stopped before its first rollout ended."
        return section(title, tag("p", none))
    curve = {name: thinned(column, POINTS) for name, column in run.curve.items()}
    steps = step_axis(curve["steps"])
    return section(
        title,
        _success(run, curve, steps),
        tag("div", *_small(run, curve, steps), class_="charts"),
        _averaged(len(run.curve["steps"]), len(curve["steps"])),
        _diverged(run.curve),
    )


def _success(run: RunFiles, curve: dict[str, list[float]], steps: Steps) -> Html:
    """Return the large chart; the evaluation stands at its end, as it was done without the noise of exploration."""
    line = Line(name="in training, with exploration noise", x=steps.values, y=_times(curve["success"], 100.0))
    if not has_points(line):
        return tag("p", "No episode had ended when this curve was written, so there is no success to draw.")
    found, mark = run.evaluation, None
    if found is not None:
        rate, low, high = (100.0 * share for share in (found.success_rate, *found.interval))
        mark = Mark(
            name=f"evaluation without noise, 95{formatting.SPACE}% interval",
            x=steps.values[-1],
            y=rate,
            low=low,
            high=high,
        )
    title = "Success of the latest episodes" + (" in training" if mark is None else "")
    up = Axis(label="success [%]", low=0.0, high=100.0)
    return line_chart(title, [line], steps.axis, up, mark=mark, size="large")


def _small(run: RunFiles, curve: dict[str, list[float]], steps: Steps) -> list[Html]:
    rewards = [
        Line(name=name.removeprefix(REWARD), x=steps.values, y=column)
        for name, column in curve.items()
        if name.startswith(REWARD)
    ]
    target = run.meta.fields("settings").data.get("desired_kl") if run.meta.has("settings") else None
    level = Level(name=f"aim: {target:g}", y=float(target)) if isinstance(target, int | float) else None
    rates = curve.get("learning_rate", [])
    large = max((rate for rate in rates if isfinite(rate)), default=0.0) >= 0.1
    small, factor = ("1", 1.0) if large else ("10\u207b\u00b3", 1e3)
    charts = (
        ("Reward terms", rewards, "mean per step, weight included", None),
        (
            "Exploration noise",
            _one("noise", "std", curve, steps),
            "standard deviation of the actions (\u22121 to 1)",
            None,
        ),
        (
            "Learning rate",
            _one("learning rate", "learning_rate", curve, steps, factor),
            f"learning rate [{small}]",
            None,
        ),
        ("Change of the policy per update", _one("measured", "kl", curve, steps), "KL divergence [nat]", level),
    )
    drawn = ((title, [line for line in lines if has_points(line)], label, at) for title, lines, label, at in charts)
    return [
        line_chart(title, lines, steps.axis, Axis(label=label, low=_from_zero(lines)), level=at)
        for title, lines, label, at in drawn
        if lines
    ]


def _one(name: str, column: str, curve: dict[str, list[float]], steps: Steps, factor: float = 1.0) -> list[Line]:
    return [Line(name=name, x=steps.values, y=_times(curve[column], factor))] if column in curve else []


def _from_zero(lines: list[Line]) -> float:
    """Return where an axis begins: at 0, or at the lowest value below it."""
    return min([0.0, *(value for line in lines for value in line.y if isfinite(value))])


def step_axis(values: list[float]) -> Steps:
    """Return the horizontal axis for environment steps."""
    units = ((1e6, " [million]"), (1e3, " [thousand]"))
    unit, word = next(((unit, word) for unit, word in units if max(values) >= 2 * unit), (1.0, ""))
    return Steps(_times(values, 1 / unit), Axis(label=f"environment steps{word}", low=0.0))


def _times(column: list[float], factor: float) -> list[float]:
    return [factor * value if isfinite(value) else nan for value in column]


def _averaged(rows: int, points: int) -> Html | None:
    if rows == points:
        return None
    text = f"Each point is the mean of up to {ceil(rows / points)} of {formatting.count(rows)} rollouts."
    return tag("p", text, class_="soft small after")


def _diverged(curve: dict[str, list[float]]) -> Html | None:
    worst = max((value for value in curve.get("diverged", []) if isfinite(value)), default=0.0)
    if not worst:
        return None
    return note(html(f"The simulation diverged {formatting.plural(round(worst), 'time')} during training."))
