"""What the curve of a training shows to be wrong: actions that run away, a judge that errs, rewards without a say.

Each check returns findings, or nothing. Thresholds stand beside the check with their reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from roarm_lab.core.arrays import Float64

Curve = Mapping[str, Sequence[float]]
"""Columns of `curve.csv`, one number per rollout; NaN where nothing was known."""

REWARD = "reward_"
"""What the columns of reward terms begin with."""
LATE, FEWEST = 0.25, 4
"""The first quarter of a training is early, the last one late; fewer rollouts than this have neither."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong."""

    name: str
    """Short, for instance `hovers and never closes`."""
    evidence: str
    """What was measured."""
    advice: str
    """What to change."""


MUCH, RUNAWAY = 0.5, 3.0
"""Trained policies that work have 8 to 20 % of their actions at the bound, and 10 to 25 % with the noise of
exploration; their actions have a size of 1.0 to 1.2 before clipping. Half, and 3, are far outside."""


def saturated(curve: Curve, share_now: float | None) -> list[Finding]:
    """Return a finding if actions sit at their bounds or have run past them.

    Args:
        curve: The training.
        share_now: Share of the finished policy's actions that are at the bound; None when it could not be run.
    """
    shares, sizes = early_late(curve, "saturated"), early_late(curve, "action_size")
    at_bound = max([share for share in (share_now, shares and shares[1]) if share is not None], default=0.0)
    if at_bound < MUCH and (sizes is None or sizes[1] < RUNAWAY):
        return []
    found = [] if share_now is None else [f"{share_now:.0%} of the policy's actions are at the bound."]
    if shares is not None:
        found.append(f"In training the share went from {shares[0]:.0%} to {shares[1]:.0%}.")
    if sizes is not None:
        found.append(
            f"The size of the actions before clipping went from {sizes[0]:.1f} to {sizes[1]:.1f} (1 is the bound)."
        )
    return [
        Finding(
            name="saturated actions",
            evidence=" ".join(found),
            advice=(
                "The policy only switches between extremes, and what it asks for beyond the bound has no effect it "
                "could learn from. Raise mean_bound_weight (0.05 keeps means inside), lower learning_rate or "
                "desired_kl, raise the penalty on the change of the action; if full speed is really needed, give the "
                "action a larger step_rad."
            ),
        )
    ]


TIMES_WORSE, OF_RETURN = 10.0, 0.5
"""A value loss that follows growing returns rises too: twentyfold in a lift that reaches 98 %. Diverging is one that
rose and has become as large as what should be predicted: half of the squared return, where 0.5 % is usual."""


def diverging_value(curve: Curve, gamma: float) -> list[Finding]:
    """Return a finding if the error of the critic runs away.

    Args:
        curve: The training.
        gamma: Its discount, which says how large a return is.
    """
    losses = np.asarray(curve.get("value_loss", ()), dtype=float)
    known = losses[np.isfinite(losses)]
    infinite, reward = bool(np.isinf(losses).any()), _late_reward(curve)
    worse = False
    calm = late = float("nan")
    if len(known) >= 2 * FEWEST:
        calm, late = float(np.quantile(known, 0.1)), float(np.median(known[-max(len(known) // 8, 1) :]))
        worse = late > TIMES_WORSE * calm and late > OF_RETURN * (reward / (1.0 - gamma)) ** 2
    if not (worse or infinite):
        return []
    rose = f"The value loss rose from {calm:.3g} to {late:.3g}" if worse else "The value loss has become infinite"
    large = f", rewards are of the size {reward:.2g} per step." if np.isfinite(reward) else "."
    return [
        Finding(
            name="value diverging",
            evidence=rose + large,
            advice=(
                "The critic's error is as large as what it should predict, so the policy learns from noise. Lower "
                f"learning_rate, keep gamma at 0.95 or below (now {gamma:g}), scale all weights so that an episode "
                "returns about 1 to 50, and look for diverged worlds in the column `diverged`."
            ),
        )
    ]


DEAD, LONG = 1e-4, 40
"""A term whose mean never leaves this share of the largest one has no say. Terms that wait for the first successes woke
up in rollout 1 to 22 of trainings that worked; before rollout 40 nobody can tell."""


def dead_terms(curve: Curve, weights: Mapping[str, float]) -> list[Finding]:
    """Return a finding for each reward term that never mattered in the training.

    Args:
        curve: The training.
        weights: Weights of the terms; those that are 0 have been switched off on purpose.
    """
    columns = {name.removeprefix(REWARD): known for name, known in _rewards(curve).items() if len(known) >= LONG}
    sizes = {name: float(np.abs(known).max()) for name, known in columns.items()}
    largest = max(sizes.values(), default=0.0)
    return [
        Finding(
            name=f"dead reward term: {name}",
            evidence=f"It never exceeds {size:.2g} per step in the whole training; the largest reaches {largest:.2g}.",
            advice=(
                "Either its condition is never met (a scale too narrow, a threshold out of reach) or its weight is too "
                "small to matter. Widen it, raise its weight, or take it out."
            ),
        )
        for name, size in sizes.items()
        if size <= DEAD * largest and weights.get(name, 1.0) != 0.0
    ]


def early_late(curve: Curve, name: str) -> tuple[float, float] | None:
    """Return the means of the first and the last quarter of a column; None where too little is known."""
    known = _known(curve.get(name, ()))
    if len(known) < FEWEST:
        return None
    quarter = max(int(len(known) * LATE), 1)
    return float(known[:quarter].mean()), float(known[-quarter:].mean())


def _late_reward(curve: Curve) -> float:
    """Return the sizes of all reward terms per step together, late in the training; NaN when unknown."""
    sizes = [
        float(np.abs(known[-max(len(known) // 8, 1) :]).mean()) for known in _rewards(curve).values() if len(known)
    ]
    return sum(sizes) if sizes else float("nan")


def _rewards(curve: Curve) -> dict[str, Float64]:
    return {name: _known(values) for name, values in curve.items() if name.startswith(REWARD)}


def _known(values: Sequence[float]) -> Float64:
    column = np.asarray(values, dtype=float)
    return column[np.isfinite(column)]
