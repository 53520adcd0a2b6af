"""Recorded episodes: whole on disk, readable with NumPy alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.datasets.rollouts import RolloutWriter

ABOUT = {"task": "reach", "joint_names": ["base", "elbow"]}


@pytest.fixture
def writer(tmp_path: Path) -> RolloutWriter:
    return RolloutWriter(tmp_path / "rollouts", ABOUT)


def episode(steps: int) -> dict[str, np.ndarray]:
    return {"time_s": np.arange(steps) * 0.05, "joint_pos": np.ones((steps, 2), np.float32)}


def test_episodes_come_back_as_they_were(writer: RolloutWriter) -> None:
    arrays = [episode(3), episode(5)]
    paths = [writer.add(each, {"success": good}) for each, good in zip(arrays, (True, False), strict=True)]
    writer.close()
    assert [path.name for path in paths] == ["episode_000000.npz", "episode_000001.npz"]
    for path, wanted in zip(paths, arrays, strict=True):
        with np.load(path) as got:  # no pickle
            assert set(got) == set(wanted)
            for name, values in wanted.items():
                np.testing.assert_array_equal(got[name], values)
                assert got[name].dtype == values.dtype
    meta = json.loads((writer.path / "meta.json").read_text())
    assert meta["task"] == "reach"
    assert meta["schema"] == 1
    assert meta["episodes"] == [
        {"file": "episode_000000.npz", "steps": 3, "success": True},
        {"file": "episode_000001.npz", "steps": 5, "success": False},
    ]
    assert sorted(path.name for path in writer.path.iterdir()) == [paths[0].name, paths[1].name, "meta.json"]


def test_without_meta_a_recording_is_unfinished(writer: RolloutWriter) -> None:
    writer.add(episode(3), {})
    assert not (writer.path / "meta.json").exists()


def test_two_recordings_of_one_second_are_two_folders(tmp_path: Path) -> None:
    assert len({RolloutWriter(tmp_path, ABOUT).path for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3), "b": np.zeros(4)}, "must have one length, got {'a': 3, 'b': 4}"),
        ({}, "must have one length, got no array"),
        ({"a": np.array([0.0, np.nan])}, "Array 'a' holds something that is not a number"),
        ({"a": np.zeros(1), "b": np.full((1, 2), np.inf)}, "Array 'b' holds something that is not a number"),
    ],
)
def test_bad_arrays_are_refused_and_leave_nothing(
    writer: RolloutWriter, arrays: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        writer.add(arrays, {})
    assert list(writer.path.iterdir()) == []


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="can not be made"):
        RolloutWriter(tmp_path / "file", ABOUT)
    with pytest.raises(BadInputError, match="can not be made: Not a directory"):
        RolloutWriter(tmp_path / "file" / "below", ABOUT)


def test_an_episode_that_can_not_be_written_is_said(writer: RolloutWriter) -> None:
    (writer.path / "episode_000000.npz").mkdir()
    with pytest.raises(BadInputError, match="is a folder"):
        writer.add(episode(2), {})
