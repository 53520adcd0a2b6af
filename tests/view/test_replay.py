"""The replay's file: small, alone, and with the numbers that were recorded."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.evaluation.outcomes import Outcome
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.builder import scene_spec
from roarm_lab.sim.geometry import Geometry
from roarm_lab.view.replay import FARTHEST_M, FULL_SCALE, Replay, record, replay_data, replay_html, write_replay
from roarm_lab.view.show import Marker, Moment
from tests.view.show_fixture import policy_show

MAX_BYTES = 5_000_000  # the promise for 20 episodes; measured 0.18 MB
TURN_STEP = 1.0 / FULL_SCALE  # of a quaternion's component


@pytest.fixture(scope="module")
def replay() -> Replay:
    with policy_show() as played:
        return record(played, 3, title="Reach", about="a test")


def decoded(text: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<i2").reshape(*shape)


def moment(qpos: np.ndarray, **parts: Any) -> Moment:
    return Moment(**({"time_s": 0.0, "qpos": qpos, "markers": {}, "distance_m": 0.1, "held_s": 0.0} | parts))


def cube_replay(*places_w: tuple[float, float, float]) -> Replay:
    """A cube that is at one place after the other, beside an arm that stands still."""
    spec = scene_spec(ROARM_M3, visuals=False)
    cube = spec.worldbody.add_body(name="cube")
    cube.add_freejoint(name="cube")
    cube.add_geom(name="cube", type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.015,) * 3)
    world = Geometry(spec.compile(), ROARM_M3)
    moments: list[Moment] = []
    for place in places_w:
        qpos = world.qpos(ROARM_M3.keyframe("home"))
        qpos[-7:-4] = place
        moments.append(moment(qpos))
    return Replay(title="Cube", about="", geometry=world, dt_s=0.05, episodes=[moments])


def test_bodies_are_recorded_where_they_were(replay: Replay) -> None:
    data = replay_data(replay)
    moving = list(replay.geometry.moving)
    assert data["bodies"] == [replay.geometry.body_names[body] for body in moving]
    for moments, episode in zip(replay.episodes, data["episodes"], strict=True):
        poses = decoded(episode["poses"], len(moments), len(moving), 7)
        for row, played in zip(poses, moments, strict=True):
            pos_w, quat_w = replay.geometry.poses(played.qpos)
            np.testing.assert_allclose(row[:, :3] * data["scale_m"], pos_w[moving], atol=data["scale_m"])
            np.testing.assert_allclose(row[:, 3:] / FULL_SCALE, quat_w[moving], atol=TURN_STEP)
    assert data["scale_m"] < 5e-5  # m: finer than any screen


def test_markers_distances_and_outcomes_are_recorded(replay: Replay) -> None:
    data = replay_data(replay)
    assert data["markers"] == [{"name": "goal", "radius_m": 0.02}]
    assert data["within_m"] == 0.02
    for moments, episode in zip(replay.episodes, data["episodes"], strict=True):
        assert episode["frames"] == len(moments) == 21
        balls = decoded(episode["balls"], len(moments), 1, 3) * data["scale_m"]
        np.testing.assert_allclose(balls[:, 0], [played.markers["goal"] for played in moments], atol=data["scale_m"])
        np.testing.assert_allclose(episode["distance_m"], [played.distance_m for played in moments], atol=1e-5)
        assert (episode["success"], episode["words"]) == (False, "never got there")


def test_the_path_is_that_of_the_hand(replay: Replay) -> None:
    tip = replay_data(replay)["tip"]
    site = ROARM_M3.site("hand_tcp")
    assert (replay_data(replay)["bodies"][tip["body"]], tuple(tip["pos"])) == (site.link, site.xyz_m)
    assert replay_data(replace(replay, tip_site=None))["tip"] is None


def test_what_never_moves_is_placed_once(replay: Replay) -> None:
    shapes = replay_data(replay)["shapes"]
    foot = next(shape for shape in ROARM_M3.visuals if shape.name == "foot")
    index = [shape.name for shape in replay.geometry.shapes].index("foot")
    assert shapes[index]["body"] == -1
    np.testing.assert_allclose(shapes[index]["pos"], np.add(foot.pos_m, (0, 0, ROARM_M3.base_height_m)), atol=1e-6)


def test_a_loose_object_is_recorded_like_the_arm() -> None:
    data = replay_data(cube_replay((0.2, 0.0, 0.1), (0.2, 0.1, 0.3)))
    cube = decoded(data["episodes"][0]["poses"], 2, len(data["bodies"]), 7)[:, data["bodies"].index("cube"), :3]
    np.testing.assert_allclose(cube * data["scale_m"], [(0.2, 0.0, 0.1), (0.2, 0.1, 0.3)], atol=data["scale_m"])


def test_every_episode_has_its_own_size_of_the_cube() -> None:
    bare = cube_replay((0.2, 0.0, 0.1))
    start = bare.episodes[0][0]
    episodes = [[replace(start, box_scale={"cube": scale})] for scale in (1.2, 1.0)] + [[start]]
    cube = [shape.name for shape in bare.geometry.shapes].index("cube")
    data = replay_data(replace(bare, episodes=episodes))
    assert [episode["grown"] for episode in data["episodes"]] == [{cube: 1.2}, {}, {}]
    assert data["shapes"][cube]["size"] == [0.015] * 3


def test_what_fell_far_away_does_not_make_the_rest_coarse() -> None:
    data = replay_data(cube_replay((0.2, 0.0, 0.1), (0.2, 0.0, -4000.0)))
    cube = decoded(data["episodes"][0]["poses"], 2, len(data["bodies"]), 7)[:, data["bodies"].index("cube"), 2]
    assert cube[1] * data["scale_m"] == pytest.approx(-FARTHEST_M)
    assert data["scale_m"] < 0.4e-3  # m


def test_recordings_without_a_judge_have_no_marks_and_unknown_distances_are_none() -> None:
    bare = cube_replay((0.2, 0.0, 0.1))
    episodes = [[replace(bare.episodes[0][0], distance_m=float("nan"))]]
    data = replay_data(replace(bare, episodes=episodes))
    assert data["episodes"][0]["success"] is None
    assert data["episodes"][0]["distance_m"] == [None]
    assert "Episodes: 1<" in replay_html(bare)


def test_the_score_counts_successes() -> None:
    bare = cube_replay((0.2, 0.0, 0.1))
    start = bare.episodes[0][0]
    episodes = [[start, replace(start, outcome=Outcome(number == 0, "as it went"))] for number in range(3)]
    assert "Episodes: 1 of 3 succeeded" in replay_html(replace(bare, episodes=episodes))


def test_twenty_episodes_are_small_and_need_nothing_else(replay: Replay, tmp_path: Path) -> None:
    many = replace(replay, episodes=[*replay.episodes] * 7)
    path = write_replay(many, tmp_path / "replay.html")
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < MAX_BYTES
    assert not re.findall(r"https?:|//[a-z]+\.|@import|url\(|src=", text)
    assert re.findall(r'(?:href|src)="([^"]*)"', text) == ["data:,"]


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<b>bold</b> & {data}"])
def test_text_can_not_become_markup(replay: Replay, text: str) -> None:
    start = replay.episodes[0][0]
    episodes = [[replace(start, outcome=Outcome(True, text))]]
    page = replay_html(replace(replay, title=text, about=text, episodes=episodes))
    assert text not in page
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert found
    assert json.loads(found[1])["episodes"][0]["words"] == text


@pytest.mark.parametrize("episodes", [[], [[]]])
def test_nothing_to_show_is_refused(replay: Replay, episodes: list[list[Moment]], tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="at least one episode, and every episode at least one moment"):
        write_replay(replace(replay, episodes=episodes), tmp_path / "replay.html")
    assert not list(tmp_path.iterdir())


def test_a_file_is_only_replaced_when_asked(replay: Replay, tmp_path: Path) -> None:
    path = tmp_path / "replay.html"
    path.write_text("mine")
    with pytest.raises(BadInputError, match="add `overwrite=True` to replace it"):
        write_replay(replay, path)
    assert path.read_text() == "mine"
    assert write_replay(replay, path, overwrite=True).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_progress_counts_finished_episodes() -> None:
    counts: list[int] = []
    with policy_show(episode_s=0.4) as played:
        record(played, 3, title="", about="", progress=counts.append)
    assert counts == [1, 2, 3]


def test_a_marker_may_stand_in_for_anything_with_a_place() -> None:
    bare = cube_replay((0.2, 0.0, 0.1))
    moments = [replace(bare.episodes[0][0], markers={"hole": np.array([0.1, -0.2, 0.3], np.float32)})]
    data = replay_data(replace(bare, episodes=[moments], markers=(Marker("hole", 0.05),)))
    place = decoded(data["episodes"][0]["balls"], 3) * data["scale_m"]
    np.testing.assert_allclose(place, (0.1, -0.2, 0.3), atol=data["scale_m"])


def test_the_example_in_the_documentation_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "watching.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    monkeypatch.chdir(tmp_path)
    exec(found[1], {})
    assert "Home to ready" in (tmp_path / "ready.html").read_text(encoding="utf-8")
