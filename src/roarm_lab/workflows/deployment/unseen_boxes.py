"""Refuse a policy that must see boxes on an arm at which nothing sees them, before anybody is asked anything."""

from roarm_lab.core.object_references import short_name
from roarm_lab.gateway.arm_policy import check_sources
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import InterfaceError, observed
from roarm_lab.robots.arm import GatedArm
from roarm_lab.workflows.arm_session import VIRTUAL, ArmAddress


def refuse_unseen(bundle: Bundle, address: ArmAddress, seeing: frozenset[str] = VIRTUAL) -> None:
    """Refuse what an arm without a table can not tell; nothing is asked of the arm.

    Args:
        bundle: The policy.
        address: Which arm.
        seeing: Kinds of arms whose boxes are known here.

    Raises:
        InterfaceError: Names what the policy lacks, why, and what works.
    """
    if address.kind in seeing:
        return
    try:
        check_sources(bundle, GatedArm.provides)  # nothing looks at the table of such an arm
    except InterfaceError as error:
        if all(term.source != "perception" for term in observed(bundle.contract)):
            raise
        raise InterfaceError(f"{_why(bundle, address, seeing)} {error}") from None


def _why(bundle: Bundle, address: ArmAddress, seeing: frozenset[str]) -> str:
    task, boxes = bundle.contract.interface["task"], bundle.contract.interface["boxes"]
    names = " and ".join(f"the {box['name']}" for box in boxes)
    kinds = " or ".join(f"`arm={name!r}`" for name in sorted(seeing))
    unseen = "on a real arm nothing tells that until a camera can"
    if address.virtual:
        unseen = f"the {address.kind} has no table here"
    return (
        f"{short_name(task)!r} needs to know where {names} is, and {unseen}. "
        f"What works: this policy with {kinds}; on a real arm, a policy whose task has no box, such as reach."
    )
