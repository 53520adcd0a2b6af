"""Recorded rollouts are shown as they were, in the order in which the policy learned."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.datasets.recordings import find_recordings
from roarm_lab.evaluation.rollout_recorder import LearningRecorder, record
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.view.recorded_show import RecordedShow
from roarm_lab.view.replay import record as replay_of
from roarm_lab.view.replay import replay_html
from roarm_lab.view.show import Show
from tests.bundles import still_bundle
from tests.view.show_fixture import short, still, wave

SAME = 1e-6  # float32


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with two looks at a policy that learns, newest folder first in learning, and one at the finished."""
    path, config = tmp_path_factory.mktemp("run"), short()
    look = LearningRecorder(config, path / "rollouts")
    look(2048, wave)
    look(0, still)
    record(load_bundle(still_bundle(path / "bundle", config)), config, 2, path / "rollouts", seed=3)
    return path


def test_all_episodes_are_there_as_the_policy_learned(run: Path) -> None:
    recordings = find_recordings(run)
    assert [recording.steps for recording in recordings] == [0, 2048, None]
    assert [len(recording.outcomes) for recording in recordings] == [4, 4, 2]
    show = RecordedShow(recordings, short())
    assert len(show) == 10
    words = [list(show.play(number))[-1].outcome for number in (0, 4, 9)]
    assert [word.words if word else None for word in words] == [
        "after 0 steps of learning: not done", "after 2,048 steps of learning: not done", "not done"
    ]  # fmt: skip
    show.close()


def test_moments_are_those_of_the_file(run: Path) -> None:
    recordings = find_recordings(run)
    show: Show = RecordedShow(recordings, short())
    moments, arrays = list(show.play(5)), recordings[1].arrays(1)
    assert len(moments) == len(arrays["time_s"]) + 1
    poses = np.concatenate([arrays["joint_pos"], arrays["next_joint_pos"][-1:]])
    np.testing.assert_allclose([show.geometry.joint_pos(moment.qpos) for moment in moments], poses, atol=SAME)
    np.testing.assert_allclose([moment.time_s for moment in moments], np.arange(21) * 0.05, atol=1e-5)
    np.testing.assert_array_equal(moments[-1].markers["goal"], arrays["command_goal"][0])
    assert all(moment.outcome is None for moment in moments[:-1])
    # The distance is that from the fingertips to the goal, from forward kinematics of the simulator.
    site = next(site for site in show.geometry.sites if site.name == show.tip_site)
    pos_w, quat_w = show.geometry.poses(moments[-1].qpos)
    w, xyz = quat_w[site.body][0], quat_w[site.body][1:]
    turned = site.pos_m + 2.0 * np.cross(xyz, np.cross(xyz, site.pos_m) + w * np.asarray(site.pos_m))
    gap = np.linalg.norm(pos_w[site.body] + turned - moments[-1].markers["goal"])
    assert moments[-1].distance_m == pytest.approx(gap, abs=1e-4)


def test_boxes_are_where_they_were(tmp_path: Path) -> None:
    config = replace(lift_cube(), episode_s=0.5)
    LearningRecorder(config, tmp_path)(512, still)
    (recording,) = find_recordings(tmp_path)
    show = RecordedShow([recording], config)
    body = show.geometry.body_names.index("cube")
    arrays = recording.arrays(2)
    moments = list(show.play(2))
    assert len(moments) == len(arrays["time_s"]) == 10
    places = [show.geometry.poses(moment.qpos)[0][body] for moment in moments]
    np.testing.assert_allclose(places, arrays["box_pos_w"][:, 0], atol=SAME)
    assert "after 512 steps of learning" in replay_html(replay_of(show, 1, title="", about=""))


@pytest.mark.parametrize("only", [0, -1, 11])
def test_an_episode_that_does_not_exist_is_refused_with_the_range(run: Path, only: int) -> None:
    with pytest.raises(BadInputError, match=f"^episode must be 1 to 10, as many were recorded, got {only}"):
        RecordedShow(find_recordings(run), short(), only)


def test_one_episode_may_be_chosen(run: Path) -> None:
    show = RecordedShow(find_recordings(run), short(), 5)
    assert len(show) == 1
    outcome = list(show.play(0))[-1].outcome
    assert outcome is not None
    assert outcome.words.startswith("after 2,048 steps")


def test_recordings_of_another_task_are_refused(run: Path) -> None:
    with pytest.raises(BadInputError, match="was recorded with task 'reach'; here it is 'lift-cube'"):
        RecordedShow(find_recordings(run), lift_cube())


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"There are no recorded rollouts in .*`record_callback_rollouts=True`"):
        find_recordings(tmp_path)
    with pytest.raises(BadInputError, match="There are no recorded rollouts in"):
        find_recordings(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "meta.json").write_text("{"), r"meta\.json can not be read"),
        (lambda folder: (folder / "meta.json").write_text('{"schema": 9, "episodes": []}'), "has schema 9; "),
        (lambda folder: (folder / "meta.json").write_text('{"schema": true, "episodes": []}'), "has schema true; "),
        (
            lambda folder: (folder / "meta.json").write_text('{"schema": 1, "episodes": [], "sede": 3}'),
            r"meta\.json has an unknown key 'sede'. Did you mean 'seed'",
        ),
        (lambda folder: (folder / "meta.json").write_text('{"schema": 1, "episodes": 3}'), "'episodes' must be a list"),
        (
            lambda folder: (folder / "meta.json").write_text(
                '{"schema": 1, "episodes": [{"file": "a", "success": "false"}]}'
            ),
            r"episodes\[0\] must be an object with 'file', a text, and 'success', true or false",
        ),
        (lambda folder: (folder / "episode_000000.npz").write_bytes(b"PK"), r"episode_000000\.npz can not be read"),
        (lambda folder: (folder / "episode_000000.npz").unlink(), r"episode_000000\.npz can not be read"),
        (lambda folder: np.savez(folder / "episode_000000.npz", time_s=np.zeros(3)), "Episode 0 in .* is damaged"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: object, message: str) -> None:
    LearningRecorder(short(), tmp_path)(0, still)
    (folder,) = tmp_path.iterdir()
    assert callable(damage)
    damage(folder)
    with pytest.raises(BadInputError, match=message):
        list(RecordedShow(find_recordings(tmp_path), short()).play(0))


def test_a_file_name_in_a_recording_can_not_lead_elsewhere(tmp_path: Path) -> None:
    LearningRecorder(short(), tmp_path / "rollouts")(0, still)
    (folder,) = (tmp_path / "rollouts").iterdir()
    about = json.loads((folder / "meta.json").read_text())
    (folder / "episode_000000.npz").rename(tmp_path / "elsewhere.npz")
    about["episodes"][0]["file"] = "../../elsewhere.npz"
    (folder / "meta.json").write_text(json.dumps(about))
    with pytest.raises(BadInputError, match="can not be read"):
        find_recordings(tmp_path)[0].arrays(0)
