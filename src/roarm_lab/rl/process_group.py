"""Who a process is among those that train one policy together, as `torchrun` says it in the environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.random_streams import seed_for

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")


@dataclass(frozen=True)
class ProcessGroup:
    """This process among its peers; the first one alone keeps and says what comes out."""

    rank: int = 0
    """Counted from 0, over all computers."""
    size: int = 1
    local_rank: int = 0
    """Counted from 0 on this computer: the GPU that this process takes."""

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.size > 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that keeps what comes out."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """Return where this process works if all were told `name`: cpu, cuda, ..."""
        return f"cuda:{self.local_rank}" if self.several and name.startswith("cuda") else name

    def threads(self, asked: int, cores: int) -> int:
        """Return the CPU threads of this process: as many as asked for, or where that is 0 its share of the cores."""
        return max(cores // self.size, 1) if self.several and asked == 0 else asked

    def seed(self, seed: int) -> int:
        """Return the seed of this process's worlds; the first one's is `seed` itself."""
        return seed_for(seed, "rank", self.rank)


ALONE = ProcessGroup()


def group_of(environment: Mapping[str, str]) -> ProcessGroup:
    """Return who a process with these environment variables is.

    Raises:
        BadInputError: They do not say it completely, or make no sense.
    """
    if environment.get("WORLD_SIZE", "1") == "1":
        return ALONE
    given = {name: environment.get(name, "") for name in VARIABLES}
    if all(value.isdecimal() for value in given.values()):
        rank, size, local_rank = (int(value) for value in given.values())
        if max(rank, local_rank) < size:
            return ProcessGroup(rank, size, local_rank)
    words = " ".join(f"{name}={value!r}" for name, value in given.items())
    raise BadInputError(
        f"The environment says {words}; several processes need RANK and LOCAL_RANK from 0 up to WORLD_SIZE - 1, as "
        "torchrun sets them. To train alone: unset WORLD_SIZE."
    )
