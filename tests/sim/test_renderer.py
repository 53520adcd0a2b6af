"""Pictures of any world: things are drawn where a pinhole camera sees them."""

from collections.abc import Iterator
from math import radians, tan

import mujoco
import numpy as np
import pytest

from roarm_lab.core.errors import MissingError, UnknownNameError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.builder import scene_spec
from roarm_lab.sim.cameras import CAMERAS, FOVY_DEG
from roarm_lab.sim.geometry import Geometry
from roarm_lab.sim.renderer import Ball, Film

SIZE = (320, 240)
NEAR_PX = 1.5  # the middle of a small thing's pixels: rounding, and light from one side
EDGE_SHARE = 0.15  # a cube of some 20 pixels: the pixels along its edges count or do not, and it is nearer
MAGENTA = (1.0, 0.0, 1.0, 1.0)


def filmed(world: Geometry, size: tuple[int, int] = SIZE) -> Film:
    return Film(world.model, ROARM_M3, size)


def cube_world() -> Geometry:
    spec = scene_spec(ROARM_M3, visuals=False)
    cube = spec.worldbody.add_body(name="cube", pos=(0.3, 0.1, 0.02))
    cube.add_freejoint(name="cube")
    cube.add_geom(name="cube", type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.02,) * 3, rgba=MAGENTA)
    return Geometry(spec.compile(), ROARM_M3)


@pytest.fixture(scope="module")
def film() -> Iterator[Film]:
    try:
        film = filmed(cube_world())
    except MissingError as error:
        pytest.skip(str(error))
    with film:
        yield film


def magenta(picture: np.ndarray) -> np.ndarray:
    """Where a picture is magenta: nothing else in it is."""
    red, green, blue = picture.astype(int).transpose(2, 0, 1)
    return (red > 2 * green + 20) & (blue > 2 * green + 20)


def middle_px(where: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(where)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def seen_at_px(pos_w: tuple[float, float, float]) -> np.ndarray:
    """Pinhole: column and row at which the camera `front` sees a point."""
    camera = CAMERAS["front"]
    back = np.subtract(camera.pos_m, camera.target_m)
    back = back / np.linalg.norm(back)
    right = np.cross((0.0, 0.0, 1.0), back)
    right = right / np.linalg.norm(right)
    offset = np.subtract(pos_w, camera.pos_m)
    depth, focal_px = -offset @ back, SIZE[1] / 2 / tan(radians(FOVY_DEG) / 2)
    return np.array([SIZE[0] / 2, SIZE[1] / 2]) + focal_px / depth * np.array(
        [offset @ right, -offset @ np.cross(back, right)]
    )


def test_a_loose_object_is_drawn_where_the_camera_sees_it(film: Film) -> None:
    world = cube_world()
    for place in ((0.3, 0.1, 0.02), (0.35, -0.15, 0.1)):
        qpos = world.qpos(ROARM_M3.keyframe("home"))
        qpos[-7:-4] = place
        assert np.linalg.norm(middle_px(magenta(film.draw(qpos))) - seen_at_px(place)) < NEAR_PX


def test_a_marker_is_drawn_where_the_camera_sees_it_and_only_while_it_is_given(film: Film) -> None:
    world, place = cube_world(), (0.4, -0.2, 0.2)
    qpos = world.qpos(ROARM_M3.keyframe("home"))
    qpos[-7:-4] = (3.0, 0.0, 0.0)  # the cube is behind the camera
    with_ball = film.draw(qpos, [Ball(place, 0.02, MAGENTA)])
    assert np.linalg.norm(middle_px(magenta(with_ball)) - seen_at_px(place)) < NEAR_PX
    assert not magenta(film.draw(qpos)).any()


def test_the_arm_moves_in_the_picture(film: Film) -> None:
    world = cube_world()
    home, ready = (film.draw(world.qpos(ROARM_M3.keyframe(name))) for name in ("home", "ready"))
    assert np.mean(np.any(home != ready, axis=2)) > 0.01  # of all pixels
    assert home.shape == (SIZE[1], SIZE[0], 3)


def test_collision_shapes_are_not_drawn(film: Film) -> None:
    world = cube_world()
    picture = film.draw(world.qpos(ROARM_M3.keyframe("home")))
    empty = Geometry(scene_spec(ROARM_M3, visuals=True).compile(), ROARM_M3)
    with filmed(empty) as plain:
        bare = plain.draw(empty.qpos(ROARM_M3.keyframe("home")))
    differs = np.any(np.abs(picture.astype(int) - bare) > 8, axis=2)
    assert differs.sum() < 3 * magenta(picture).sum()  # the cube and its shadow, nothing on the arm


def test_a_box_of_another_size_is_drawn_as_large_as_it_is(film: Film) -> None:
    qpos = cube_world().qpos(ROARM_M3.keyframe("home"))
    qpos[-5] = 0.3  # in the air, so that the table hides nothing of it
    drawn = {scale: magenta(film.draw(qpos, box_scale={"cube": scale})).sum() for scale in (1.0, 1.5)}
    assert drawn[1.5] / drawn[1.0] == pytest.approx(1.5**2, rel=EDGE_SHARE)
    assert magenta(film.draw(qpos)).sum() == drawn[1.0]


def test_depth_is_how_far_in_front_of_the_camera_a_thing_is(film: Film) -> None:
    qpos, place = cube_world().qpos(ROARM_M3.keyframe("home")), (0.35, -0.15, 0.3)
    qpos[-7:-4] = place
    depth_m = film.depth_m(qpos)
    camera = CAMERAS["front"]
    ahead = np.subtract(camera.target_m, camera.pos_m)
    away_m = np.subtract(place, camera.pos_m) @ ahead / np.linalg.norm(ahead)
    column, row = seen_at_px(place).astype(int)
    assert depth_m.shape == (SIZE[1], SIZE[0])
    assert depth_m.dtype == np.float32
    assert away_m - 0.02 * 3**0.5 < depth_m[row, column] < away_m - 0.02  # a corner, or a whole side, is in front
    assert depth_m[0, 0] == 0.0  # the sky
    drawn = film.draw(qpos)  # colours as before
    assert drawn.dtype == np.uint8


def test_one_renderer_draws_from_every_camera_and_knows_their_names(film: Film) -> None:
    qpos = cube_world().qpos(ROARM_M3.keyframe("home"))
    assert np.any(film.draw(qpos, camera="side") != film.draw(qpos))
    with pytest.raises(UnknownNameError, match="no camera named 'wirst'. Did you mean 'wrist'"):
        film.draw(qpos, camera="wirst")


def test_where_nothing_can_draw_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no EGL here")

    monkeypatch.setattr(mujoco, "Renderer", broken)
    monkeypatch.setattr(
        "roarm_lab.sim.renderer._refused", ""
    )  # where nothing draws, an earlier test has found that out
    with pytest.raises(MissingError, match=r"Pictures can not be drawn here \(no EGL here\).*apt-get install libegl1"):
        filmed(cube_world())
