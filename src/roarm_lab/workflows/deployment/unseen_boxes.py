"""Refuse a policy that must see boxes on an arm at which nothing sees them, before anybody is asked anything."""

from roarm_lab.gateway.arm_policy import check_sources
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import InterfaceError, observed
from roarm_lab.robots.arm import GatedArm

SEEING = ("emulator", "sim")
"""Kinds of arms that `roarm run` gives a table whose boxes are known."""


def refuse_unseen(bundle: Bundle, words: str, seeing: tuple[str, ...] = SEEING) -> None:
    """Refuse what an arm without a table can not tell; nothing is asked of the arm.

    Args:
        bundle: The policy.
        words: What stands after `--arm`.
        seeing: Kinds of arms whose boxes are known here.

    Raises:
        InterfaceError: Names what the policy lacks, why, and what works.
    """
    kind = words.partition(":")[0]
    if kind in seeing:
        return
    try:
        check_sources(bundle, GatedArm.provides)  # nothing looks at the table of such an arm
    except InterfaceError as error:
        if all(term.source != "perception" for term in observed(bundle.contract)):
            raise
        raise InterfaceError(f"{_why(bundle, kind, seeing)} {error}") from None


def _why(bundle: Bundle, kind: str, seeing: tuple[str, ...]) -> str:
    task, boxes = bundle.contract.interface["task"], bundle.contract.interface["boxes"]
    names, kinds = " and ".join(f"the {box['name']}" for box in boxes), " or ".join(f"--arm {name}" for name in seeing)
    unseen = "on a real arm nothing tells that until a camera can"
    if kind in SEEING:
        unseen = f"the {kind} has no table here"
    return (
        f"{task!r} needs to know where {names} is, and {unseen}. "
        f"What works: this policy with {kinds}; on a real arm, a policy whose task has no box, such as reach."
    )
