"""Whether a policy still fits the task that it was trained on, as this version has it."""

from dataclasses import replace

from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.changes import with_changes
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.envs.randomization import DomainRandomization, randomized
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import InterfaceError, check_drift, check_interface
from roarm_lab.tasks.table import task_called


def check_task(
    bundle: Bundle,
    *,
    allow_drift: bool,
    threads: int = 0,
    randomization: DomainRandomization | None = None,
    same_worlds: bool = True,
) -> tuple[EnvConfig, list[str]]:
    """Return the bundle's task as this version has it, randomised if asked for, and the drift in words.

    Args:
        bundle: The policy.
        allow_drift: Whether it may have been trained on something else.
        threads: CPU threads of the simulation; 0 takes all.
        randomization: By what worlds differ; None for nominal ones.
        same_worlds: Whether other worlds than those of the training are drift. They are not where somebody chose them,
            nor on an arm: no arm is a nominal world.

    Raises:
        InterfaceError: The bundle does not fit the task.
        DriftError: It was trained on something else and `allow_drift` is False.
    """
    name = bundle.contract.interface.get("task")
    if not isinstance(name, str):
        raise InterfaceError("The bundle's contract does not say which task it is for.")
    config = _as_trained(task_called(name), bundle)
    if randomization is not None:
        config = randomized(config, randomization)
    check_interface(bundle.contract, interface_of(config))
    hashes = hashes_of(config) if same_worlds else simulated_hashes(config)
    found = check_drift(bundle.contract, hashes, allow=allow_drift)
    return replace(config, sim=replace(config.sim, threads=threads)), found


def simulated_hashes(config: EnvConfig) -> dict[str, str]:
    """Return the hashes of a task that count on an arm: no arm is a nominal world."""
    hashes = hashes_of(config)
    del hashes["randomization"]
    return hashes


def _as_trained(config: EnvConfig, bundle: Bundle) -> EnvConfig:
    """Return the task with what the training changed in it.

    Raises:
        InterfaceError: The task as it is here can not be changed so any more.
    """
    changes = bundle.contract.interface.get("changes", {})
    try:
        return with_changes(config, changes, "The bundle's changes of the task:")
    except (BadInputError, AttributeError, TypeError) as error:
        raise InterfaceError(f"The bundle's task does not fit the one here: {error}") from error
