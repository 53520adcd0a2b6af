"""A replay: recorded episodes in 3D as one HTML file that opens anywhere, without network.

The page has the world's shapes once and, for every moment, where the moving bodies are, as 16-bit numbers; a small
renderer of our own (`replay_scene.js`, `replay_player.js`) draws them.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import write_atomic
from roarm_lab.sim.geometry import DrawnShape, Geometry
from roarm_lab.view.markup import html
from roarm_lab.view.page import PAGE
from roarm_lab.view.show import Marker, Moment, Show

POLICY = (
    "default-src 'none'; script-src '{script}'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What a browser may load and run for the page: its own style and this very script."""
FULL_SCALE = 32767
FARTHEST_M = 10.0
"""Bodies farther away than this (something fell off the table) are drawn there, so that all others stay precise."""
CAMERA = {"target": [0.1, 0.0, 0.17], "far": 1.25, "turn": -0.65, "tilt": 0.42}
"""Where the view begins: distance [m], and angles [rad] about z and up from the table."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a page shows: recorded moments, and the world they happened in."""

    title: str
    about: str
    """One line under the title."""
    geometry: Geometry
    dt_s: float
    """Time between two moments."""
    episodes: Sequence[Sequence[Moment]]
    """The last moment of each says how it ended; one without an outcome is shown without a mark."""
    markers: Sequence[Marker] = ()
    tip_site: str | None = None
    """The site whose path is drawn."""
    within_m: float | None = None
    """How near is near enough; a line in the curve of distances."""


def record(
    show: Show, episodes: int, *, title: str, about: str, progress: Callable[[int], None] | None = None
) -> Replay:
    """Play episodes 0 to `episodes` - 1 of a show and return them.

    Args:
        show: What plays.
        episodes: How many.
        title: The page's title.
        about: One line under it.
        progress: Called with the number of finished episodes.
    """
    played: list[list[Moment]] = []
    for number in range(episodes):
        played.append(list(show.play(number)))
        if progress is not None:
            progress(number + 1)
    return Replay(
        title=title,
        about=about,
        geometry=show.geometry,
        dt_s=show.dt_s,
        episodes=played,
        markers=show.markers,
        tip_site=show.tip_site,
        within_m=show.config.described.within_m,
    )


def write_replay(replay: Replay, path: Path, *, overwrite: bool = False) -> Path:
    """Write a replay as one HTML file and return its path.

    Raises:
        BadInputError: The file exists and `overwrite` is False, it can not be written, or there is nothing to show.
    """
    return write_atomic(path, replay_html(replay), overwrite=overwrite)


def replay_html(replay: Replay) -> str:
    """Return a replay as the text of an HTML file.

    Raises:
        BadInputError: There is no episode, or an episode without a moment.
    """
    if not replay.episodes or not all(replay.episodes):
        raise BadInputError("A replay needs at least one episode, and every episode at least one moment.")
    title = html(replay.title)
    fields = {
        "title": title,
        "about": html(replay.about),
        "score": html(_score(replay)),
        # Text in the data must not be able to end its element.
        "data": json.dumps(replay_data(replay), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "script": _script(),
    }
    policy = html(POLICY.format(script=script_hash()))
    body = _part("replay.html").format(**fields).rstrip()
    return PAGE.format(policy=policy, title=title, style=_part("replay.css"), body=body)


def script_hash() -> str:
    """Return the hash of the page's script as a Content-Security-Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()}"


def replay_data(replay: Replay) -> dict[str, Any]:
    """Return what the page's script reads."""
    geometry = replay.geometry
    recorded = [_positions(replay, moments) for moments in replay.episodes]
    scale_m = max(float(np.abs(np.concatenate([b[..., :3].ravel(), m.ravel()])).max(initial=0.0)) for b, m in recorded)
    scale_m = max(min(scale_m, FARTHEST_M), 1e-3) / FULL_SCALE
    return {
        "format": 1,
        "dt_s": replay.dt_s,
        "camera": CAMERA,
        "scale_m": scale_m,
        "within_m": replay.within_m,
        "bodies": [geometry.body_names[body] for body in geometry.moving],
        "markers": [{"name": marker.name, "radius_m": marker.radius_m} for marker in replay.markers],
        "shapes": _shapes(geometry),
        "tip": _tip(geometry, replay.tip_site),
        "episodes": [
            _episode(moments, bodies, markers, scale_m) | {"grown": _grown(geometry, moments[0])}
            for moments, (bodies, markers) in zip(replay.episodes, recorded, strict=True)
        ],
    }


def _positions(replay: Replay, moments: Sequence[Moment]) -> tuple[Float64, Float64]:
    """Return where moving bodies [moment, body, 7] (m, then w x y z) and markers [moment, marker, 3] m are."""
    moving, names = list(replay.geometry.moving), [marker.name for marker in replay.markers]
    bodies = np.zeros((len(moments), len(moving), 7))
    for row, moment in zip(bodies, moments, strict=True):
        pos_w, quat_w = replay.geometry.poses(moment.qpos)
        row[:, :3], row[:, 3:] = pos_w[moving], quat_w[moving]
    markers = np.array([[moment.markers[name] for name in names] for moment in moments], dtype=np.float64)
    return bodies, markers.reshape(len(moments), len(names), 3)


def _episode(moments: Sequence[Moment], bodies: Float64, markers: Float64, scale_m: float) -> dict[str, Any]:
    outcome = moments[-1].outcome
    whole = np.concatenate([bodies[..., :3] / scale_m, bodies[..., 3:] * FULL_SCALE], axis=-1)
    return {
        "frames": len(moments),
        "success": None if outcome is None else outcome.success,
        "words": "" if outcome is None else outcome.words,
        "distance_m": [round(m.distance_m, 5) if isfinite(m.distance_m) else None for m in moments],
        "held_s": [round(moment.held_s, 4) for moment in moments],
        "poses": _int16(whole),
        "balls": _int16(markers / scale_m),
    }


def _grown(geometry: Geometry, moment: Moment) -> dict[int, float]:
    """Return how large shapes are against their size in the model, by their number; those as in the model left out."""
    scales = enumerate(moment.box_scale.get(shape.name, 1.0) for shape in geometry.shapes)
    return {number: round(scale, 5) for number, scale in scales if scale != 1.0}


def _int16(values: Float64) -> str:
    """Return numbers as base64 of 16-bit integers, low byte first; what does not fit becomes the nearest that does."""
    whole = np.clip(np.round(values), -FULL_SCALE, FULL_SCALE).astype("<i2")
    return base64.b64encode(whole.tobytes()).decode()


def _shapes(geometry: Geometry) -> list[dict[str, Any]]:
    """Return the shapes, those on bodies that stay where they are in world coordinates (body -1)."""
    return [_shape(geometry, shape) for shape in geometry.shapes]


def _shape(geometry: Geometry, shape: DrawnShape) -> dict[str, Any]:
    moves = shape.body in geometry.moving
    pos, quat = (shape.pos_m, shape.quat) if moves else geometry.placed(shape)
    return {
        "kind": shape.kind,
        "body": geometry.moving.index(shape.body) if moves else -1,
        "size": [round(value, 6) for value in shape.size_m],
        "pos": [round(value, 6) for value in pos],
        "quat": [round(value, 6) for value in quat],
        "color": [round(value, 3) for value in shape.rgba],
        "touch": shape.collision,
    }


def _tip(geometry: Geometry, name: str | None) -> dict[str, Any] | None:
    """Return the body and the place on it whose path is drawn; None if it can not move."""
    for site in geometry.sites:
        if site.name == name and site.body in geometry.moving:
            return {"body": geometry.moving.index(site.body), "pos": list(site.pos_m)}
    return None


def _score(replay: Replay) -> str:
    outcomes = [moments[-1].outcome for moments in replay.episodes]
    judged = [outcome for outcome in outcomes if outcome is not None]
    if not judged:
        return f"{len(outcomes)}"
    return f"{sum(outcome.success for outcome in judged)} of {len(judged)} succeeded"


def _part(name: str) -> str:
    return files("roarm_lab.view").joinpath(name).read_text(encoding="utf-8")


def _script() -> str:
    return "(() => {\n" + _part("replay_scene.js") + _part("replay_player.js") + "})();"
