"""Policies from disk, for Python."""

from pathlib import Path

from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.policy import Policy
from roarm_lab.policies.pretrained import shipped_bundle


def load_policy(bundle: Path | str | None = None, *, allow_drift: bool = False) -> Policy:
    """Return a policy, ready to act in the environments of its task.

    Args:
        bundle: Folder of the bundle, or of the run that made it; None takes the policy that comes with the package.
        allow_drift: Whether it may have been trained on another model of the arm, or another version of the task,
            than those here.

    Raises:
        BadInputError: There is no bundle, or it is damaged.
        InterfaceError: It does not fit the task as this version has it.
        DriftError: It was trained on something else and `allow_drift` is False.
    """
    from roarm_lab.workflows.bundle_check import check_task

    loaded = load_bundle(shipped_bundle() if bundle is None else Path(bundle))
    check_task(loaded, allow_drift=allow_drift, same_worlds=False)
    return Policy(loaded)
