"""The reward doctor: everything that is found wrong with a training and its policy, in words."""

from collections.abc import Mapping

from roarm_lab.evaluate.curve_faults import Curve, Finding, dead_terms, diverging_value, saturated
from roarm_lab.evaluate.policy_faults import flings, hovers, never_near, presses, share_at_bound
from roarm_lab.evaluate.traces import Trace


def explain(
    curve: Curve, trace: Trace | None = None, *, gamma: float = 0.95, weights: Mapping[str, float] | None = None
) -> list[Finding]:
    """Return everything that is found wrong, the most telling first; nothing when all is well.

    Args:
        curve: The training.
        trace: What the finished policy does; None when there is none.
        gamma: Discount of the training.
        weights: Weights of its reward terms.
    """
    found: list[Finding] = []
    if trace is not None:
        # That success is far is no news where it is known why.
        found = [*hovers(trace), *flings(trace), *presses(trace)] or never_near(trace)
    share_now = None if trace is None else share_at_bound(trace)
    return [
        *found,
        *saturated(curve, share_now),
        *diverging_value(curve, gamma),
        *dead_terms(curve, weights or {}),
    ]
