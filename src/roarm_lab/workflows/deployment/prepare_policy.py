"""A policy made ready for an arm; whatever can be refused without the arm is refused here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from roarm_lab.gateway.arm_policy import ArmPolicy
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.contract import check_robot
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.robots.interface import interface_of_robot
from roarm_lab.robots.table import get_robot
from roarm_lab.sim.backend import SimConfig
from roarm_lab.workflows.arm_session import VIRTUAL, ArmAddress
from roarm_lab.workflows.deployment.unseen_boxes import refuse_unseen
from roarm_lab.workflows.frontend import Frontend, Notice


@dataclass(frozen=True, kw_only=True)
class PolicyForArm:
    """A policy that may drive an arm."""

    bundle: Bundle
    policy: ArmPolicy
    sim: SimConfig
    """How the task simulates an arm, and what lies on its table; for a real arm there is nothing of it."""
    drift: tuple[str, ...]
    """What differs between the training and this version."""
    hashes: Mapping[str, str]
    """Of model and task as this version simulates them; empty for a real arm."""


def prepare_policy(
    bundle: Path | None, address: ArmAddress, *, allow_drift: bool, seeing: frozenset[str] = VIRTUAL
) -> PolicyForArm:
    """Return a policy for an arm.

    For a real arm its contract is compared with the facts of the arm alone: there is no simulation to differ from, and
    no simulator is loaded.

    Args:
        bundle: Its folder; None for the one that comes with the package.
        address: Which arm.
        allow_drift: Whether it may have been trained on something else than this version simulates.
        seeing: Kinds of arms whose boxes are known here.

    Raises:
        BadInputError: The bundle can not be used.
        DriftError: It was trained on something else and `allow_drift` is False.
        InterfaceError: It is for another arm, or needs what this one can not provide.
    """
    return prepare_loaded(load_bundle(bundle or shipped_bundle()), address, allow_drift=allow_drift, seeing=seeing)


def prepare_loaded(
    loaded: Bundle, address: ArmAddress, *, allow_drift: bool, seeing: frozenset[str] = VIRTUAL
) -> PolicyForArm:
    """Return a policy that is loaded, or that a server computes, for an arm.

    Raises:
        DriftError, InterfaceError: As `prepare_policy` does.
    """
    hashes = dict[str, str]()
    sim, drift = SimConfig(), list[str]()
    if address.virtual:
        from roarm_lab.workflows.bundle_check import check_task, simulated_hashes

        task, drift = check_task(loaded, allow_drift=allow_drift, same_worlds=False)
        robot, sim, hashes = task.robot, task.sim, simulated_hashes(task)
    else:
        robot = get_robot(loaded.contract.interface["robot"])
        check_robot(loaded.contract, interface_of_robot(robot))
    refuse_unseen(loaded, address, seeing)
    return PolicyForArm(bundle=loaded, policy=ArmPolicy(loaded, robot), sim=sim, drift=tuple(drift), hashes=hashes)


def tell_drift(frontend: Frontend, prepared: PolicyForArm) -> None:
    """Tell what the policy was trained on differently, when that was allowed."""
    for line in prepared.drift:
        frontend.tell(Notice(code="drift", text=f"drift: {line}", level="warning"))
