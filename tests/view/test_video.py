"""The film: every episode in full, one after another, in a file that other programs read."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.evaluation.outcomes import Outcome
from roarm_lab.view import video
from roarm_lab.view.show import Moment
from roarm_lab.view.video import BAD, GOOD, LOOK_S, PICTURES_PER_MOMENT, encode, refuse_unfit, write_video, written_on
from tests.view.show_fixture import policy_show

av = pytest.importorskip("av", reason="films need the extra video")
SIZE = (160, 120)
LOSSY = 12  # of 255, on flat colour


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_film_has_every_moment_of_every_episode(tmp_path: Path) -> None:
    counts: list[int] = []
    with policy_show(episode_s=0.4) as played:
        try:
            path = write_video(played, 2, tmp_path / "a.mp4", title="Reach", size=SIZE, progress=counts.append)
        except MissingError as error:
            pytest.skip(str(error))
    frames = frames_of(path)
    per_episode = 9 * PICTURES_PER_MOMENT + round(LOOK_S * 40)  # the start and 8 steps of 0.05 s
    assert len(frames) == 2 * per_episode
    assert frames[0].shape == (SIZE[1], SIZE[0], 3)
    assert counts == [1, 2]
    assert np.mean(np.abs(frames[0].astype(int) - frames[per_episode - 1])) > 0.3  # the arm has moved
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, float(stream.average_rate)) == ("h264", 40.0)
    with pytest.raises(BadInputError, match="add `overwrite=True` to replace it"), policy_show(episode_s=0.4) as played:
        write_video(played, 1, path, title="", size=SIZE)


def test_pictures_survive_encoding_in_order(tmp_path: Path) -> None:
    colours = [(200, 40, 40), (40, 200, 40), (40, 40, 200)]
    pictures = [np.full((SIZE[1], SIZE[0], 3), colour, np.uint8) for colour in colours]
    path = tmp_path / "colours.mp4"
    path.write_bytes(encode(iter(pictures), SIZE, 20))
    found = [frame.mean(axis=(0, 1)) for frame in frames_of(path)]
    np.testing.assert_allclose(found, colours, atol=LOSSY)


@pytest.mark.parametrize("outcome", [Outcome(True, "done"), Outcome(False, "never got there"), None])
def test_the_end_is_marked_by_colour_and_words(outcome: Outcome | None) -> None:
    blank = np.full((240, 320, 3), 128, np.uint8)
    moment = Moment(time_s=1.0, qpos=np.zeros(6), markers={}, distance_m=0.05, held_s=0.0, outcome=outcome)
    written = written_on(blank, "Reach", "episode 1 of 2", moment)
    good, bad = (int(np.all(written == colour, axis=2).sum()) for colour in (GOOD, BAD))
    assert (good > 100, bad > 100) == (
        outcome is not None and outcome.success,
        outcome is not None and not outcome.success,
    )
    assert np.all(written[:120] == 128)  # the arm is not written over


@pytest.mark.parametrize("name", ["film.gif", "film", "film.mp4.txt"])
def test_only_mp4_is_written(name: str) -> None:
    with pytest.raises(BadInputError, match=r"`video=` writes MP4: give a name that ends in .mp4"):
        refuse_unfit(Path(name))


def test_a_missing_package_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "find_spec", lambda name: None if name == "av" else importlib.util.find_spec(name))
    with pytest.raises(MissingError, match=r"A film needs av\. Type: pip install 'roarm-lab\[video\]'"):
        refuse_unfit(Path("a.mp4"))
