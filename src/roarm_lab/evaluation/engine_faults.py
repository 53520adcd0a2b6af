"""What the simulator only counts and does not say: contacts left out for lack of room, worlds that blew up."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from roarm_lab.evaluation.curve_faults import Curve, Finding

OVERFLOWS = "overflows"
"""Where `meta.json` and an evaluation have the counts."""
WITHOUT_CONTACTS = ("NEFC", "NJMAX_NNZ", "BROADPHASE", "NARROWPHASE", "CONTACTFULL", "CNSTRFULL")
"""Names of what ran full, in MuJoCo Warp and in MuJoCo, where contacts are left out then."""


def overflow_in_words(overflows: Mapping[str, int], worlds: int) -> str | None:
    """Return in how many worlds contacts were left out, in words; None where none were.

    Args:
        overflows: In how many worlds something ran full, by the engine's own name.
        worlds: How many there are.
    """
    lost = {name: count for name, count in overflows.items() if name in WITHOUT_CONTACTS and count}
    if not lost:
        return None
    names = ", ".join(f"{name} {count}" for name, count in lost.items())
    return f"the simulator left contacts out in {max(lost.values()):,} of {worlds:,} worlds, for lack of room ({names})"


def contacts_left_out(meta: Mapping[str, Any]) -> list[Finding]:
    """Return a finding if contacts were left out in a training, as its `meta.json` says."""
    kept, settings = meta.get(OVERFLOWS), meta.get("settings")
    if not isinstance(kept, dict) or not isinstance(settings, dict):
        return []
    counts = {name: count for name, count in cast("dict[str, Any]", kept).items() if isinstance(count, int)}
    words = overflow_in_words(counts, cast("dict[str, Any]", settings).get("num_envs", 0))
    if words is None:
        return []
    return [
        Finding(
            name="contacts left out",
            evidence=f"In training {words}.",
            advice=(
                "Things went through each other there, and the policy may count on it. Evaluate it with "
                "`backend='mujoco_cpu'`, which has room; for training raise CONTACTS_PER_BOX and ROWS_PER_BOX in "
                "roarm_lab/sim/warp_device.py, or train with `backend='mujoco_cpu'`."
            ),
        )
    ]


OFTEN = 1e-5
"""Diverged worlds per step from which on they are a finding: one in some 2,000 episodes."""


def worlds_diverged(curve: Curve) -> list[Finding]:
    """Return a finding if the simulation of many worlds blew up in a training."""
    steps, counts = curve.get("steps", ()), np.asarray(curve.get("diverged", ()), dtype=float)
    counts = counts[np.isfinite(counts)]
    if not len(steps) or not len(counts) or counts.max() < max(1.0, OFTEN * steps[-1]):
        return []
    return [
        Finding(
            name="diverging worlds",
            evidence=f"The simulation of {counts.max():,.0f} worlds blew up in {steps[-1]:,.0f} steps.",
            advice=(
                "Such worlds are put back to rest and count as failed episodes, from which the policy learns nothing. "
                "Look for what the physics can not follow: masses, friction or delays of the domain randomisation far "
                "from the nominal ones, or very large step_rad."
            ),
        )
    ]
