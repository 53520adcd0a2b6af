"""A loaded policy as a function of what an environment gives."""

from collections.abc import Mapping
from dataclasses import dataclass

from roarm_lab.core.arrays import Array, Float32, to_numpy
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import InterfaceError, observed


@dataclass(frozen=True)
class Policy:
    """Observations of worlds in, actions out."""

    bundle: Bundle
    """Its network and its contract."""

    @property
    def task(self) -> str:
        """Name of the task it was trained on."""
        return str(self.bundle.contract.interface["task"])

    def __call__(self, observations: Mapping[str, Mapping[str, Array]]) -> Float32:
        """Return actions [env, action], each -1 to 1.

        Args:
            observations: What `reset` and `step` of an environment give: group -> term -> array [env, size]. Of the
                group `actor` the terms that the contract lists are used.

        Raises:
            InterfaceError: A term is missing or has another size.
        """
        actor = observations.get("actor", {})
        terms = [entry.name for entry in observed(self.bundle.contract)]
        missing = [name for name in terms if name not in actor]
        if missing:
            raise InterfaceError(f"The policy needs {', '.join(missing)}, which the observations do not have.")
        return self.bundle.policy.infer({name: to_numpy(actor[name]) for name in terms})[:, 0]
