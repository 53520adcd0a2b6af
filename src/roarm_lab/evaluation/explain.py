"""The reward doctor: everything that is found wrong with a training and its policy, in words."""

from roarm_lab.evaluation.curve_faults import LONG, Curve, Finding, dead_terms, diverging_value, saturated
from roarm_lab.evaluation.policy_faults import flings, hovers, never_near, presses, share_at_bound
from roarm_lab.evaluation.settings_faults import Settings, settings_faults
from roarm_lab.evaluation.traces import Trace


def explain(curve: Curve, trace: Trace | None = None, settings: Settings | None = None) -> list[Finding]:
    """Return everything that is found wrong, causes first; nothing when all is well.

    Args:
        curve: The training.
        trace: What the finished policy does; None when there is none.
        settings: What the training was asked to do; None when it is unknown.
    """
    settings = settings or Settings()
    found = settings_faults(settings, curve, trace)
    if trace is not None:
        found += [*hovers(trace), *flings(trace), *presses(trace)]
    share_now = None if trace is None else share_at_bound(trace)
    found += [
        *saturated(curve, share_now),
        *diverging_value(curve, settings.gamma),
        *dead_terms(curve, settings.weights),
    ]
    # That success is far is no news where it is known why.
    return found or ([] if trace is None else never_near(trace))


def not_judged(curve: Curve) -> list[str]:
    """Return what was not looked for, and why."""
    rollouts = len(curve.get("steps", ()))
    few = f"that takes {LONG} rollouts, and there are {rollouts}"
    return [] if rollouts >= LONG else [f"reward terms that never matter: {few}"]
