"""A film of a policy at work: episodes one after another, drawn without a screen, as an MP4 file."""

import io
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.core.files import write_atomic
from roarm_lab.sim.renderer import Film
from roarm_lab.view.markers import balls_of
from roarm_lab.view.show import Moment, Show

Picture = NDArray[np.uint8]

SIZE_PX = (640, 480)
PICTURES_PER_MOMENT = 2
"""Between two control steps the picture glides: 40 pictures a second at 20 Hz."""
LOOK_S = 0.8
"""How long the end of an episode stays."""
NEEDS = {"av": "av", "PIL": "pillow"}
"""Module -> the package that brings it; both come with the extra `video`."""
QUALITY = {"crf": "20", "preset": "medium"}
INK, PAPER, GOOD, BAD = (24, 32, 42), (255, 255, 255), (23, 113, 63), (178, 59, 18)
TEXT_PX, EDGE_PX = 17, 8


def refuse_unfit(path: Path) -> None:
    """Refuse a film that can not be made here, before any work.

    Raises:
        BadInputError: The name is not that of an MP4 file.
        MissingError: A package is not installed.
    """
    if path.suffix.lower() != ".mp4":
        raise BadInputError(f"`video=` writes MP4: give a name that ends in .mp4, got {path.name!r}.")
    missing = [package for module, package in NEEDS.items() if find_spec(module) is None]
    if missing:
        raise MissingError(f"A film needs {' and '.join(missing)}. Type: pip install 'roarm-lab[video]'")


def write_video(
    show: Show,
    episodes: int,
    path: Path,
    *,
    title: str,
    overwrite: bool = False,
    size: tuple[int, int] = SIZE_PX,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write episodes 0 to `episodes` - 1 as a film and return its path.

    Args:
        show: What plays.
        episodes: How many.
        path: The file.
        title: A line in every picture.
        overwrite: Whether an existing file may be replaced.
        size: Width and height [pixel], both even.
        progress: Called with the number of finished episodes.

    Raises:
        BadInputError: The file can not be written.
        MissingError: There is no way to draw here.
    """
    rate_hz = round(PICTURES_PER_MOMENT / show.dt_s)
    with Film(show.geometry.model, show.geometry.robot, size) as film:
        data = encode(_pictures(film, show, episodes, title, progress=progress), size, rate_hz)
    return write_atomic(path, data, overwrite=overwrite)


def encode(pictures: Iterator[Picture], size: tuple[int, int], rate_hz: int) -> bytes:
    """Return pictures [height, width, 3] as H.264 in MP4."""
    import av  # noqa: PLC0415 (an extra)

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate_hz, options=QUALITY)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def _pictures(
    film: Film, show: Show, episodes: int, title: str, *, progress: Callable[[int], None] | None
) -> Iterator[Picture]:
    rate_hz = PICTURES_PER_MOMENT / show.dt_s
    for number in range(episodes):
        where, written, last = f"episode {number + 1} of {episodes}", None, None
        for moment in show.play(number):
            for picture in _glide(film, show, last, moment):
                written = written_on(picture, title, where, moment)
                yield written
            last = moment
        if written is not None:
            yield from repeat(written, round(LOOK_S * rate_hz))
        if progress is not None:
            progress(number + 1)


def _glide(film: Film, show: Show, last: Moment | None, moment: Moment) -> Iterator[Picture]:
    """Yield the pictures from the last moment (not shown again) to this one."""
    balls = balls_of(show.markers, moment)
    for part in range(PICTURES_PER_MOMENT):
        share = (part + 1) / PICTURES_PER_MOMENT
        qpos = moment.qpos if last is None else show.geometry.between(last.qpos, moment.qpos, share)
        yield film.draw(qpos, balls, box_scale=moment.box_scale)


def written_on(picture: Picture, title: str, where: str, moment: Moment) -> Picture:
    """Return a picture with lines at the bottom: what is played, how far it is, and at the end how it went."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 (an extra)

    image = Image.fromarray(picture)
    font = ImageFont.load_default(size=TEXT_PX)
    facts = f"{where}    {moment.time_s:.2f} s    {moment.distance_m * 1e3:.0f} mm to go"
    lines = [(title, PAPER, INK), (facts, PAPER, INK)]
    if moment.outcome is not None:
        word, color = ("success", GOOD) if moment.outcome.success else ("no success", BAD)
        lines.append((f"{word}: {moment.outcome.words}", color, PAPER))
    draw = ImageDraw.Draw(image)
    for row, (text, paper, ink) in enumerate(lines):
        at = (EDGE_PX, image.height - (len(lines) - row) * (TEXT_PX + EDGE_PX) - EDGE_PX)  # the arm is further up
        left, top, right, bottom = draw.textbbox(at, text, font=font)
        draw.rectangle((left - 4, top - 3, right + 4, bottom + 3), fill=paper)
        draw.text(at, text, font=font, fill=ink)
    return np.asarray(image)
