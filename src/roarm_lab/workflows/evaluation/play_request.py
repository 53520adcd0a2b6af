"""What to watch of a policy, and how, as a value."""

from dataclasses import dataclass
from pathlib import Path

from roarm_lab.core.errors import BadInputError
from roarm_lab.workflows.requests import at_least, is_page


@dataclass(frozen=True, kw_only=True)
class PlayRequest:
    """What to watch, and how."""

    bundle: Path | None = None
    """A bundle folder, or a run folder that has one; None for the policy that comes with the package.
    To see recorded rollouts a folder of recordings will do."""
    episodes: int | None = None
    """How many episodes. By default 20; 5 in a film. Live, they begin again from the first."""
    seed: int = 0
    """Seed of starts and goals; the same seed shows the same episodes, live, filmed or exported."""
    export: Path | None = None
    """Write a 3D replay as one HTML file instead."""
    video: Path | None = None
    """Write a film (.mp4) instead."""
    overwrite: bool = False
    """Replace the replay and the film if they exist."""
    port: int = 8080
    """Port of the live page; 0 takes any free one."""
    host: str = "127.0.0.1"
    """Address of the live page. By default only this computer can open it."""
    once: bool = False
    """Live: end after the episodes. They begin at once, whether a browser is watching or not."""
    allow_drift: bool = False
    """Play even if model or task differ from those of the training."""
    rollouts: bool = False
    """Show the episodes that were recorded below the run folder (or in the folder given) instead of new ones."""
    episode: int | None = None
    """Of recorded rollouts only this one, counted from 1 in the order in which the policy learned."""
    domain_randomization: Path | None = None
    """YAML with what differs from episode to episode, or default; without it as in the training of the run."""

    def validate(self) -> None:
        """Refuse numbers and combinations that make no sense.

        Raises:
            BadInputError: Says which.
        """
        at_least(self, 1, "episodes")
        at_least(self, 0, "seed")
        if self.episode is not None and not self.rollouts:
            raise BadInputError("`episode=` chooses among recorded episodes: add `rollouts=True`.")
        if self.rollouts and self.domain_randomization is not None:
            raise BadInputError("`rollouts=True` shows what was recorded: leave out `domain_randomization=`.")
        if self.rollouts and self.bundle is None:
            raise BadInputError(
                "The policy that comes with the package has no recorded episodes: leave `rollouts=` out."
            )
        is_page(self, "export")


@dataclass(frozen=True, kw_only=True)
class PlayResult:
    """What was written; nothing where it was watched live."""

    export: Path | None = None
    """The replay."""
    video: Path | None = None
    """The film."""
