"""Single parts of the physical model can be scaled world by world, and the physics follows."""

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.sim.mujoco_cpu import MujocoCpu

CUBE = Box(name="cube", size_m=0.03, mass_kg=0.03)
HOME = np.tile(np.float32(ROARM_M3.keyframe("home")), (2, 1))
ROUNDING = 1e-6  # float32
PENETRATION_M = 3e-4  # how deep a soft contact lets a light cube sink
LINKS = tuple(link.name for link in ROARM_M3.links)


def worlds() -> MujocoCpu:
    """Return two worlds with a cube on the table in front of the arm, the arm at home."""
    backend = MujocoCpu(ROARM_M3, 2, SimConfig(boxes=(CUBE,), threads=1))
    backend.reset(None, HOME)
    return backend


def column(*factors: float) -> np.ndarray:
    return np.float32(factors)[:, None]


def test_only_the_named_elements_are_scaled() -> None:
    backend = worlds()
    nominal = backend.model_field("body_mass")
    backend.scale_model("body_mass", column(2.0), [1], ("cube",))
    np.testing.assert_allclose(backend.model_field("body_mass", ("cube",)), [[0.03], [0.06]], rtol=ROUNDING)
    np.testing.assert_array_equal(
        backend.model_field("body_mass", LINKS)[0], backend.model_field("body_mass", LINKS)[1]
    )
    backend.scale_model("body_mass", column(0.5), [1], LINKS)
    found = backend.model_field("body_mass")
    np.testing.assert_allclose(found.sum(axis=1)[1], 0.5 * (nominal[1].sum() - 0.03) + 0.06, rtol=1e-5)
    np.testing.assert_array_equal(found[0], nominal[0])


def test_inertia_follows_mass_and_the_square_of_the_size_in_any_order() -> None:
    for order in ((0, 1), (1, 0)):
        backend = worlds()
        nominal = backend.batch.expand("body_inertia").copy()
        cube = backend.model.body("cube").id
        steps = (("body_mass", 3.0), ("box_size", 2.0))
        for field, factor in (steps[index] for index in order):
            backend.scale_model(field, column(factor), [0], ("cube",))
        backend.scale_model("box_size", column(1.5), [0], ("cube",))  # again: factors do not pile up
        found = backend.batch.expand("body_inertia")
        np.testing.assert_allclose(found[0, cube], 3.0 * 1.5**2 * nominal[0, cube], rtol=ROUNDING)
        np.testing.assert_array_equal(found[1], nominal[1])


def test_a_larger_cube_rests_higher_and_says_so() -> None:
    backend = worlds()
    np.testing.assert_array_equal(backend.get("box_scale"), 1.0)
    backend.scale_model("box_size", column(1.0, 1.5), None, ("cube",))
    np.testing.assert_array_equal(backend.get("box_scale"), column(1.0, 1.5))
    backend.reset(None, HOME)
    pose = np.tile(np.float32([0.25, 0.0, 0.05, 1.0, 0.0, 0.0, 0.0]), (2, 1))
    backend.set("box_pose.cube", pose)
    backend.step(HOME, 200)  # falls for a tenth of a second
    np.testing.assert_allclose(backend.get("box_pos_w")[:, 0, 2], [0.015, 0.0225], atol=PENETRATION_M)
    np.testing.assert_allclose(backend.get("box_vel_w"), 0.0, atol=0.01)


def test_a_picture_shows_the_cube_as_large_as_it_is() -> None:
    backend = worlds()
    backend.scale_model("box_size", column(1.0, 2.0), None, ("cube",))
    backend.reset(None, HOME)
    try:
        pictures = [backend.render(world, size=(320, 240), markers={}).astype(int) for world in (0, 1)]
    except MissingError as problem:
        pytest.skip(str(problem))
    backend.close()
    orange = [
        ((red > 2 * blue) & (red > 1.3 * green)).sum() for red, green, blue in (p.transpose(2, 0, 1) for p in pictures)
    ]
    assert orange[0] > 20
    assert 3.0 < orange[1] / orange[0] < 5.0  # twice as long is four times the area


def test_a_heavier_cube_is_harder_to_accelerate() -> None:
    backend = worlds()
    backend.scale_model("body_mass", column(1.0, 2.0), None, ("cube",))
    backend.reset(None, HOME)
    backend.batch.bind("xfrc_applied")[:, backend.model.body("cube").id, 2] = 0.9  # N upwards
    backend.step(HOME, 4)
    # v = (F / m - g) t: 0.9 N on 0.03 kg and on 0.06 kg, for 20 ms; the resting contact lets go within a step.
    expected = (0.9 / np.array([0.03, 0.06]) - 9.81) * 0.02
    np.testing.assert_allclose(backend.get("box_vel_w")[:, 0, 2], expected, rtol=0.02)


@pytest.mark.parametrize(("factor", "slides"), [(0.5, True), (1.0, False)])
def test_friction_of_the_cube_decides_whether_it_slides_on_the_table(factor: float, slides: bool) -> None:
    backend = worlds()
    backend.scale_model("geom_friction", column(factor, factor), None, ("cube",))
    backend.reset(None, HOME)
    backend.step(HOME, 20)
    # 0.7 of its weight sideways: less than its nominal friction of 0.8, more than half of that.
    backend.batch.bind("xfrc_applied")[:, backend.model.body("cube").id, 1] = 0.7 * 0.03 * 9.81
    backend.step(HOME, 40)
    assert (backend.get("box_pos_w")[:, 0, 1] > 0.01).all() == slides


def test_targets_one_after_another_share_the_steps() -> None:
    one, other = worlds(), worlds()
    targets = np.stack((HOME, HOME + np.float32(0.1)))
    one.step(targets, 7)
    other.step(targets[0], 3)  # the first part ends after 7 / 2, rounded down
    other.step(targets[1], 4)
    np.testing.assert_array_equal(one.get("qpos"), other.get("qpos"))


@pytest.mark.parametrize(
    ("field", "names", "message"),
    [
        ("body_mass", ("cub",), "There is no body named 'cub'. Did you mean 'cube'"),
        ("dof_damping", ("elbo",), "There is no joint named 'elbo'. Did you mean 'elbow'"),
        ("actuator_stiffness", ("elbo",), "There is no actuator named 'elbo'"),
        ("geom_friction", ("tabl",), "There is no geom named 'tabl'. Did you mean 'table'"),
        ("box_size", ("table",), "There is no box named 'table'"),
    ],
)
def test_unknown_elements_are_named(field: str, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        worlds().scale_model(field, column(1.0, 1.0), None, names)
    with pytest.raises(UnknownNameError, match=message):
        worlds().model_field(field, names)


def test_a_size_must_be_positive() -> None:
    with pytest.raises(BadInputError, match="factors on box_size must be positive"):
        worlds().scale_model("box_size", column(0.0, 1.0), None, ("cube",))
