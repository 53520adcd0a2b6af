"""Balls that show where something is wanted: orange on the way, green while the task is done."""

from collections.abc import Sequence

from roarm_lab.sim.builder import Rgba
from roarm_lab.sim.renderer import Ball
from roarm_lab.view.show import Marker, Moment

ORANGE: Rgba = (0.95, 0.39, 0.12, 0.5)
GREEN: Rgba = (0.12, 0.63, 0.31, 0.5)


def balls_of(markers: Sequence[Marker], moment: Moment) -> list[Ball]:
    """Return the markers of a moment as things to draw."""
    color = GREEN if moment.held_s > 0.0 else ORANGE
    balls: list[Ball] = []
    for marker in markers:
        x, y, z = (float(value) for value in moment.markers[marker.name])
        balls.append(Ball((x, y, z), marker.radius_m, color))
    return balls
