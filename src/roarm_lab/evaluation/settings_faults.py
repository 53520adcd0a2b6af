"""What the settings of a training show to be wrong, with the number that proves it: causes, not symptoms.

Each check returns findings, or nothing. Thresholds stand beside the check with their reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import atanh
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.evaluation.curve_faults import FEWEST, LATE, REWARD, Curve, Finding
from roarm_lab.evaluation.traces import Trace


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a training was asked to do, as far as its run says it."""

    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    """Weights of the reward terms."""
    usual: Mapping[str, float] = field(default_factory=dict[str, float])
    """What they are in the task as it ships; empty when it is unknown."""
    scales_m: Mapping[str, float] = field(default_factory=dict[str, float])
    """How wide the terms are that fall with a distance [m]: 0.24 of them are left there."""
    of_box: frozenset[str] = frozenset()
    """Those of these whose distance is the hand's to the box; of the others it is the task's own."""
    gamma: float = 0.95
    episode_steps: int | None = None
    """Control steps of an episode."""
    broke_down_at_steps: int | None = None
    """When the policy's numbers became infinite or NaN, if they did."""


def settings_faults(settings: Settings, curve: Curve, trace: Trace | None) -> list[Finding]:
    """Return everything that the settings show to be wrong."""
    nothing = no_reward(settings) or no_way_to_the_goal(settings, curve)
    return [
        *broke_down(settings),
        *nothing,
        *overwhelming_penalties(settings, curve),
        *([] if nothing else scales_too_small(settings, trace)),
        *horizon_too_short(settings),
    ]


def broke_down(settings: Settings) -> list[Finding]:
    """Return a finding if learning ended in numbers that are none."""
    if settings.broke_down_at_steps is None:
        return []
    return [
        Finding(
            name="learning broke down",
            evidence=f"After {settings.broke_down_at_steps:,} steps the policy's numbers became infinite or NaN.",
            advice=(
                "Settings or rewards far from the tuned ones do that. Take a smaller learning_rate, bring the weights "
                "of the rewards nearer to those of the task, or begin with the tuned settings and change one at a time."
            ),
        )
    ]


def no_reward(settings: Settings) -> list[Finding]:
    """Return a finding if no reward term counts."""
    if not settings.weights or any(settings.weights.values()):
        return []
    return [
        Finding(
            name="no reward at all",
            evidence=f"The weights of all {len(settings.weights)} reward terms are 0 ({', '.join(settings.weights)}).",
            advice="Nothing tells the policy what is wanted. Give the terms their weights back.",
        )
    ]


PAID = 1e-3
"""A term that is not even paid this share of its weight has not been met."""


def no_way_to_the_goal(settings: Settings, curve: Curve) -> list[Finding]:
    """Return a finding if the terms that lead to the goal are switched off, and what else pays was never reached."""
    off = {
        name: usual
        for name, usual in settings.usual.items()
        if usual > 0.0 and settings.weights.get(name, usual) == 0.0
    }
    left = {name: weight for name, weight in settings.weights.items() if weight > 0.0}
    reached = [name for name, weight in left.items() if _largest(curve, name) > PAID * weight]
    if not off or reached:
        return []
    were = ", ".join(f"{name} ({usual:g} in the task as it ships)" for name, usual in off.items())
    rest = f"what is left, {', '.join(left)}, was never paid" if left else "nothing that pays is left"
    return [
        Finding(
            name="no way to the goal",
            evidence=f"Switched off with weight 0: {were}; {rest}.",
            advice="Terms that grow on the way show the policy where the goal is. Give them their weights back.",
        )
    ]


TIMES = 3.0
"""A penalty that costs this many times what all else is worth teaches to do nothing. In trainings that work the largest
costs 0.1 to 0.7 times that at the beginning, when exploration is widest. One that is about as light as in the task as
it ships is not the cause: then too little else is paid."""


def overwhelming_penalties(settings: Settings, curve: Curve) -> list[Finding]:
    """Return a finding for each penalty that costs many times what all other terms are worth, early or late."""
    found: list[Finding] = []
    for name, weight in settings.weights.items():
        usual = settings.usual.get(name)
        if usual is not None and abs(weight) <= TIMES * abs(usual):
            continue
        others = [other for other in settings.weights if other != name]
        ratios = [
            (when, cost, rest)
            for when, part in (("At the beginning", 0), ("At the end", -1))
            if weight < 0.0 and (cost := _part(curve, name, part)) > TIMES * (rest := _sum(curve, others, part))
        ]
        if not ratios:
            continue
        when, cost, rest = ratios[0]
        times = f"{cost / rest:,.0f} times" if rest > 0.0 else "infinitely many times"
        of_usual = f"; the task as it ships has {usual:g}" if usual and usual != weight else ""
        found.append(
            Finding(
                name=f"penalty outweighs everything: {name}",
                evidence=(
                    f"{when} it costs {cost:.2g} per step, {times} all other terms together ({rest:.2g}). Its weight "
                    f"is {weight:g}{of_usual}."
                ),
                advice="The best the policy can do is not to move. Bring the weight nearer to 0.",
            )
        )
    return found


NOTHING = 1e-3
"""A term that has fallen to this share of its weight shows no slope that exploration would notice."""


def scales_too_small(settings: Settings, trace: Trace | None) -> list[Finding]:
    """Return a finding if no term that falls with a distance reaches as far as where episodes begin."""
    if trace is None:
        return []
    narrow: dict[str, float] = {}
    first = settings.of_box & settings.scales_m.keys()  # nothing else pays before the hand is at the box
    for name, scale_m in settings.scales_m.items():
        if first and name not in first:
            continue
        gap_m = trace.hand_to_box_m if name in settings.of_box else trace.distance_m
        if settings.weights.get(name, 0.0) > 0.0 and gap_m is not None:
            narrow[name] = float(np.median(gap_m[:, 0])) / scale_m
    reach = atanh(1.0 - NOTHING)  # in scales
    if not narrow or min(narrow.values()) <= reach or np.mean(trace.success) > SOME:
        return []
    widest = min(narrow, key=lambda name: narrow[name])
    start_m = narrow[widest] * settings.scales_m[widest]
    return [
        Finding(
            name="scale too small",
            evidence=(
                f"The widest of the terms that show the way is {widest}, with a scale of {settings.scales_m[widest]:g} "
                f"m; episodes begin {start_m:.2f} m away, where it pays less than {NOTHING:.1%} of its weight."
            ),
            advice=(
                f"There is no slope to follow. A scale of about {start_m:.1g} m reaches as far as episodes begin; "
                "narrower terms can be added to it."
            ),
        )
    ]


SOME = 0.05
"""With more successes than this a policy has found the way."""
OF_EPISODE = 0.15
"""A horizon below this share of the episode ends before the goal: tuned ones are 0.3 to 0.6 of it."""


def horizon_too_short(settings: Settings) -> list[Finding]:
    """Return a finding if the discount lets a policy look less far than the way to the goal is."""
    if settings.episode_steps is None or not 0.0 <= settings.gamma < 1.0:
        return []
    horizon = 1.0 / (1.0 - settings.gamma)
    if horizon >= OF_EPISODE * settings.episode_steps:
        return []
    return [
        Finding(
            name="horizon shorter than the way to the goal",
            evidence=(
                f"With gamma {settings.gamma:g} what comes after about {horizon:.1f} steps hardly counts; an episode "
                f"has {settings.episode_steps}, and most of them are needed to get there."
            ),
            advice="The policy can not see that moving pays later. Take a gamma of 0.95 to 0.98.",
        )
    ]


def _column(curve: Curve, name: str) -> Float64:
    values = np.asarray(curve.get(f"{REWARD}{name}", ()), dtype=float)
    return np.abs(values[np.isfinite(values)])


def _largest(curve: Curve, name: str) -> float:
    return float(_column(curve, name).max(initial=0.0))


def _part(curve: Curve, name: str, part: int) -> float:
    """Return the mean size of a term per step in the first (0) or last (-1) quarter of the training."""
    known = _column(curve, name)
    if not len(known):
        return 0.0
    quarter = max(int(len(known) * LATE), 1) if len(known) >= FEWEST else len(known)
    return float((known[:quarter] if part == 0 else known[-quarter:]).mean())


def _sum(curve: Curve, names: Sequence[str], part: int) -> float:
    return sum(_part(curve, name, part) for name in names)


def scales_of(terms: Mapping[str, Any]) -> dict[str, float]:
    """Return how wide the reward terms are that say it [m], as `meta.json` has them."""
    found = {name: term.get("scale_m") for name, term in terms.items() if isinstance(term, dict)}
    return {name: float(scale) for name, scale in found.items() if isinstance(scale, int | float) and scale > 0.0}
