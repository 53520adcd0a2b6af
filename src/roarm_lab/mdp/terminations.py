"""Termination terms: when an episode ends early."""

from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import TerminationTerm, TestFn, check_finite


@dataclass(frozen=True, kw_only=True)
class SiteBelow(TerminationTerm):
    """Ends the episode when a site sinks below a height, for instance into the table."""

    says: ClassVar[str] = "The site {site} is lower than {height_m} m in the world frame."

    site: str = "hand_tcp"
    height_m: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a height that is not a number."""
        check_finite(self, "height_m")

    def bind(self, scene: Scene) -> TestFn:
        """Return whether the site is too low [env]."""
        site, height = scene.site(self.site), self.height_m
        return lambda state: state.site_pos_w[:, site, 2] < height
