"""What went wrong, as strips of small pictures with a sentence below."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from roarm_lab.sim.renderer import Film
from roarm_lab.view import formatting
from roarm_lab.view.episode_replay import FAILURES, Episode, ReplayedEpisodes
from roarm_lab.view.markers import balls_of
from roarm_lab.view.png import png
from roarm_lab.view.show import Moment

DRAWN_PX, SIZE_PX = (350, 262), (280, 210)
"""Of what is drawn only the middle is kept: the arm is there, and around it nothing but table and sky."""
LIFTED_M = 0.01
"""A box that rose by less than this was never lifted."""


@dataclass(frozen=True)
class Picture:
    """One moment of a strip."""

    png: bytes
    told: str
    """When it was, and how far off."""


@dataclass(frozen=True)
class Strip:
    """A failed episode."""

    title: str
    caption: str
    pictures: tuple[Picture, ...]


def strips(found: ReplayedEpisodes, within_m: float | None) -> tuple[Strip, ...]:
    """Return a strip for every failed episode that is to be shown.

    Args:
        found: The episodes.
        within_m: How near counts as success; None where the task does not say it as a distance.

    Raises:
        MissingError: There is no way to draw here.
    """
    failed = shown_failures(found)
    if not failed:
        return ()
    with Film(found.geometry.model, found.geometry.robot, DRAWN_PX) as film:
        return tuple(
            Strip(
                f"Episode {number}: {episode.outcome.words}",
                caption(episode, within_m),
                tuple(_picture(film, found, episode.moments[index]) for index in chosen_moments(episode.moments)),
            )
            for number, episode in enumerate(failed, start=1)
        )


def shown_failures(found: ReplayedEpisodes) -> list[Episode]:
    """Return the failed episodes that come before the first success."""
    first = next((i for i, item in enumerate(found.episodes) if item.outcome.success), len(found.episodes))
    return list(found.episodes[: min(first, FAILURES)])


def chosen_moments(moments: Sequence[Moment]) -> list[int]:
    """Return five moments: the start, the nearest one, the end, and the middles between; others if two of them meet."""
    last, nearest = len(moments) - 1, nearest_moment(moments)
    if not 2 <= nearest <= last - 2:
        return sorted({round(part * last / 4) for part in range(5)})
    return [0, nearest // 2, nearest, (nearest + last) // 2, last]


def nearest_moment(moments: Sequence[Moment]) -> int:
    """Return the first moment at which the goal was nearest."""
    gaps = [moment.distance_m if isfinite(moment.distance_m) else np.inf for moment in moments]
    return int(np.argmin(gaps))


def caption(episode: Episode, within_m: float | None) -> str:
    """Return in numbers what happened."""
    moments, nearest = episode.moments, episode.moments[nearest_moment(episode.moments)]
    allowed = "" if within_m is None else f" (allowed: {formatting.tolerance(within_m)})"
    end_m = moments[-1].distance_m
    told = [
        f"Nearest to the goal: {formatting.distance(nearest.distance_m)} at {formatting.seconds(nearest.time_s)}; "
        f"at the end {formatting.distance(end_m) if isfinite(end_m) else 'unknown'}{allowed}."
    ]
    if episode.touching is not None and episode.risen_m is not None:
        told.append(_about_the_box(int(episode.touching.sum()), len(moments), float(np.nanmax(episode.risen_m))))
    return " ".join(told)


def _about_the_box(touched: int, of: int, risen_m: float) -> str:
    if not touched:
        return "No jaw ever touched the box."
    lifted = f"lifted it by up to {formatting.distance(risen_m)}" if risen_m >= LIFTED_M else "never lifted it"
    return f"A jaw touched the box in {touched} of {of} moments and {lifted}."


def _picture(film: Film, found: ReplayedEpisodes, moment: Moment) -> Picture:
    balls = balls_of(found.markers, moment)
    gap = formatting.distance(moment.distance_m) if isfinite(moment.distance_m) else "unknown"
    drawn = film.draw(moment.qpos, balls, box_scale=moment.box_scale)
    return Picture(png(_middle(drawn)), f"{formatting.seconds(moment.time_s)}: {gap} to go")


def _middle(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    left, top = ((whole - kept) // 2 for whole, kept in zip(DRAWN_PX, SIZE_PX, strict=True))
    return picture[top : top + SIZE_PX[1], left : left + SIZE_PX[0]]
