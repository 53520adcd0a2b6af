"""Strips of failures: which moments they show, what their captions say, and PNG files that others can read."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roarm_lab.core.errors import MissingError
from roarm_lab.evaluation.evaluate import evaluate
from roarm_lab.evaluation.outcomes import Outcome
from roarm_lab.view.episode_replay import Episode, replay_episodes
from roarm_lab.view.filmstrips import SIZE_PX, caption, chosen_moments, strips
from roarm_lab.view.png import png
from roarm_lab.view.show import Moment
from tests.view.show_fixture import short, still, wave


def moments(*distances_m: float) -> list[Moment]:
    """Return moments 50 ms apart; the last one fails."""
    return [
        Moment(
            time_s=index * 0.05,
            qpos=np.zeros(6),
            markers={},
            distance_m=gap,
            held_s=0.0,
            outcome=Outcome(False, "never got there") if index == len(distances_m) - 1 else None,
        )
        for index, gap in enumerate(distances_m)
    ]


def episode(*distances_m: float, touched: int = 0, risen_m: float | None = None) -> Episode:
    """Return a failed episode; with `risen_m` there was a box."""
    count = len(distances_m)
    box = risen_m is not None
    return Episode(
        number=3,
        moments=moments(*distances_m),
        touching=np.arange(count) < touched if box else None,
        risen_m=np.linspace(0.0, risen_m, count) if risen_m is not None else None,
    )


def test_a_picture_comes_back_as_it_was() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (7, 5, 3)).astype(np.uint8)
    read = Image.open(io.BytesIO(png(picture)))
    read.verify()
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)


@pytest.mark.parametrize(
    ("distances_m", "wanted"),
    [
        ([9, 8, 7, 6, 1, 6, 7, 8, 9, 9, 9], [0, 2, 4, 7, 10]),  # nearest at 4
        ([9, 8, 7, 6, 5, 4, 3, 2, 1], [0, 2, 4, 6, 8]),  # nearest at the end
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 2, 4, 6, 8]),  # nearest at the start
        ([9, 8], [0, 1]),
        ([float("nan"), 5, 1, 5, 5], [0, 1, 2, 3, 4]),
        ([float("nan")], [0]),
    ],
)
def test_start_nearest_and_end_are_among_the_moments_shown(distances_m: list[float], wanted: list[int]) -> None:
    assert chosen_moments(moments(*distances_m)) == wanted


def test_the_caption_says_how_near_it_came_and_where_it_ended() -> None:
    told = caption(episode(0.2, 0.031, 0.045), 0.02).replace("\u00a0", " ")
    assert told == "Nearest to the goal: 31 mm at 0.05 s; at the end 45 mm (allowed: 2 cm)."
    assert "at the end unknown." in caption(episode(0.2, 0.1, float("nan")), None)


@pytest.mark.parametrize(
    ("touched", "risen_m", "words"),
    [
        (0, 0.0, "No jaw ever touched the box."),
        (2, 0.004, "A jaw touched the box in 2 of 3 moments and never lifted it."),
        (3, 0.084, "A jaw touched the box in 3 of 3 moments and lifted it by up to 84 mm."),
    ],
)
def test_the_caption_says_what_became_of_the_box(touched: int, risen_m: float, words: str) -> None:
    told = caption(episode(0.2, 0.1, 0.1, touched=touched, risen_m=risen_m), 0.025).replace("\u00a0", " ")
    assert told.endswith(words)


def test_every_shown_failure_has_five_pictures_that_differ(tmp_path: Path) -> None:
    config = short()
    seen = replay_episodes(wave, config, evaluate(wave, config, episodes=3, seed=0))
    try:
        drawn = strips(seen, 0.02)
    except MissingError as error:
        pytest.skip(str(error))
    assert [strip.title for strip in drawn] == [f"Episode {number}: never got there" for number in (1, 2, 3)]
    for strip in drawn:
        assert len(strip.pictures) == 5
        images = [np.asarray(Image.open(io.BytesIO(picture.png))) for picture in strip.pictures]
        assert {image.shape for image in images} == {(SIZE_PX[1], SIZE_PX[0], 3)}
        assert len({image.tobytes() for image in images}) == 5
        assert strip.pictures[0].told.startswith("0.00")


def test_without_a_failure_nothing_is_drawn() -> None:
    config = short(within_m=5.0)
    assert strips(replay_episodes(still, config, evaluate(still, config, episodes=2, seed=0)), 5.0) == ()
