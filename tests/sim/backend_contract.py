"""What every simulator must do. A test file runs each check on a factory of its own:

    @pytest.mark.parametrize("check", BACKEND_CONTRACT, ids=lambda check: check.__name__)
    def test_keeps_the_backend_contract(check: Check) -> None:
        check(lambda num_envs, threads=1: make_my_backend(...))

The factory makes worlds of the RoArm-M3 with a given number of threads.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.arrays import to_numpy
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Backend

Factory = Callable[..., Backend]
Check = Callable[[Factory], None]

HOME = np.array(ROARM_M3.keyframe("task_start"), dtype=np.float32)
SUBSTEPS = 10
ROUNDING = 1e-6  # float32
MOVED = 1e-3  # rad: clearly more than rounding
NUM_JOINTS = 6
STATE_FIELDS = ("joint_pos", "joint_vel", "joint_target")


def poses(num_envs: int) -> np.ndarray:
    """Return a different start for every world [env, joint] rad, clear of the table."""
    spread = np.random.default_rng(0).uniform(-0.2, 0.2, (num_envs, NUM_JOINTS))
    return np.clip(HOME + spread, *limits()).astype(np.float32)


def limits() -> tuple[Any, Any]:
    """Return the joints' ranges [joint] rad."""
    return [j.lower_rad for j in ROARM_M3.joints], [j.upper_rad for j in ROARM_M3.joints]


def drive(backend: Backend, steps: int = 5, seed: int = 1) -> np.ndarray:
    """Send random targets; return the angles after every step [step, env, joint] rad."""
    rng = np.random.default_rng(seed)
    seen: list[np.ndarray] = []
    for _ in range(steps):
        target = HOME + rng.uniform(-0.5, 0.5, (backend.num_envs, NUM_JOINTS))
        backend.step(target.astype(np.float32), SUBSTEPS)
        seen.append(to_numpy(backend.get("joint_pos")))
    return np.array(seen)


def started(make: Factory, num_envs: int = 4, **options: Any) -> Backend:
    """Return worlds at rest, each in a pose of its own."""
    backend = make(num_envs, **options)
    backend.reset(None, poses(num_envs))
    return backend


def says_what_it_is(make: Factory) -> None:
    backend = make(3)
    assert backend.num_envs == 3
    assert 0.0 < backend.physics_dt_s <= 0.02


def needs_a_world(make: Factory) -> None:
    with pytest.raises(BadInputError, match="number of environments must be 1 or more, a whole number, got 0"):
        make(0)


def rests_where_it_was_put(make: Factory) -> None:
    backend = started(make)
    np.testing.assert_allclose(to_numpy(backend.get("joint_pos")), poses(4), atol=ROUNDING)
    np.testing.assert_allclose(to_numpy(backend.get("joint_target")), poses(4), atol=ROUNDING)
    np.testing.assert_array_equal(to_numpy(backend.get("joint_vel")), np.zeros((4, NUM_JOINTS)))


def fields_are_float32_copies(make: Factory) -> None:
    backend = started(make)
    before = {name: backend.get(name) for name in STATE_FIELDS}
    kept = {name: np.array(to_numpy(values)) for name, values in before.items()}
    drive(backend)
    for name, values in before.items():
        assert str(values.dtype).endswith("float32")
        assert tuple(values.shape) == (4, NUM_JOINTS)
        np.testing.assert_array_equal(to_numpy(values), kept[name])
        assert np.abs(to_numpy(backend.get(name)) - kept[name]).max() > MOVED


def writing_to_a_copy_changes_nothing(make: Factory) -> None:
    backend, twin = started(make), started(make)
    backend.get("joint_pos")[:] = 9.0
    backend.model_field("body_mass")[:] = 9.0
    np.testing.assert_array_equal(drive(backend), drive(twin))


def what_was_handed_in_is_left_alone_and_may_change_later(make: Factory) -> None:
    backend, twin = started(make), started(make)
    start, target = poses(4), poses(4)
    backend.reset(None, start)
    backend.step(target, SUBSTEPS)
    np.testing.assert_array_equal(start, poses(4))
    start += 1.0
    target += 1.0
    twin.reset(None, poses(4))
    twin.step(poses(4), SUBSTEPS)
    np.testing.assert_array_equal(drive(backend), drive(twin))


def follows_its_targets(make: Factory) -> None:
    backend = started(make)
    target = poses(4) + np.float32([0.2, 0.0, 0.0, 0.0, -0.2, 0.0])
    backend.step(target, 200)
    np.testing.assert_array_equal(to_numpy(backend.get("joint_target")), target)
    turned = to_numpy(backend.get("joint_pos")) - poses(4)
    np.testing.assert_allclose(turned[:, 0], 0.2, atol=0.01)  # rad: no gravity on these two, but dry friction
    np.testing.assert_allclose(turned[:, 4], -0.2, atol=0.01)


def a_reset_touches_only_its_worlds(make: Factory) -> None:
    backend, twin = started(make), started(make)
    drive(backend), drive(twin)
    backend.reset([2, 0], poses(4)[:2])
    for name in STATE_FIELDS:
        np.testing.assert_array_equal(to_numpy(backend.get(name))[[1, 3]], to_numpy(twin.get(name))[[1, 3]])
    np.testing.assert_allclose(to_numpy(backend.get("joint_pos"))[[2, 0]], poses(4)[:2], atol=ROUNDING)
    np.testing.assert_array_equal(to_numpy(backend.get("joint_vel"))[[0, 2]], 0.0)
    np.testing.assert_array_equal(drive(backend, seed=2)[:, [1, 3]], drive(twin, seed=2)[:, [1, 3]])


def a_reset_forgets_everything(make: Factory) -> None:
    backend, fresh = started(make), started(make)
    drive(backend)
    backend.reset(None, poses(4))
    np.testing.assert_array_equal(drive(backend), drive(fresh))


def worlds_do_not_know_each_other(make: Factory) -> None:
    together = drive(started(make, 4))
    alone = make(1)
    alone.reset(None, poses(4)[2:3])
    rng = np.random.default_rng(1)
    for step in range(5):
        target = (HOME + rng.uniform(-0.5, 0.5, (4, NUM_JOINTS))).astype(np.float32)
        alone.step(target[2:3], SUBSTEPS)
        np.testing.assert_array_equal(to_numpy(alone.get("joint_pos"))[0], together[step, 2])


def fields_can_be_written_in_some_worlds(make: Factory) -> None:
    backend = started(make)
    speed = np.full((2, NUM_JOINTS), 0.5, dtype=np.float32)
    backend.set("joint_vel", speed, [1, 3])
    expected = np.repeat([[0.0], [0.5], [0.0], [0.5]], NUM_JOINTS, axis=1)
    np.testing.assert_array_equal(to_numpy(backend.get("joint_vel")), expected)
    backend.set("joint_pos", poses(4) + np.float32(0.1))
    np.testing.assert_allclose(to_numpy(backend.get("joint_pos")), poses(4) + 0.1, atol=ROUNDING)


def a_joint_force_comes_on_top_until_the_world_is_reset(make: Factory) -> None:
    backend, free = started(make), started(make)
    force_nm = np.zeros((2, NUM_JOINTS), dtype=np.float32)
    force_nm[:, 0] = 0.9  # more than dry friction, less than the motor
    backend.set("joint_force", force_nm, [1, 3])
    for one in (backend, free):
        one.step(poses(4), 20 * SUBSTEPS)
    moved = to_numpy(backend.get("joint_pos"))[:, 0] - to_numpy(free.get("joint_pos"))[:, 0]
    np.testing.assert_array_equal(moved[[0, 2]], 0.0)
    assert (moved[[1, 3]] > 10 * MOVED).all()
    backend.reset(None, poses(4))
    np.testing.assert_array_equal(to_numpy(backend.get("joint_force")), 0.0)


def unknown_fields_get_the_closest_name(make: Factory) -> None:
    backend = make(1)
    with pytest.raises(UnknownNameError, match="field named 'joint_poss'. Did you mean 'joint_pos'"):
        backend.get("joint_poss")
    with pytest.raises(UnknownNameError, match="field named 'joint_ve'. Did you mean 'joint_vel'"):
        backend.set("joint_ve", np.zeros((1, NUM_JOINTS)))
    with pytest.raises(UnknownNameError, match="model field named 'body_mas'. Did you mean 'body_mass'"):
        backend.model_field("body_mas")
    with pytest.raises(UnknownNameError, match="model field named 'body_mas'. Did you mean 'body_mass'"):
        backend.scale_model("body_mas", np.ones((1, 1)))


def worlds_that_do_not_exist_are_refused(make: Factory) -> None:
    backend = make(2)
    for ids in ([2], [-1], [0, 5]):
        with pytest.raises(BadInputError, match="World ids must be 0 to 1, got"):
            backend.reset(ids, poses(len(ids)))
    with pytest.raises(BadInputError, match="World ids must be numbers, got a mask"):
        backend.reset(np.array([False, True]), poses(1))


def a_scaled_model_moves_otherwise_in_those_worlds_alone(make: Factory) -> None:
    plain = drive(started(make))
    for field in ("body_mass", "dof_damping", "dof_armature", "dof_frictionloss", "actuator_stiffness"):
        backend = started(make)
        nominal = to_numpy(backend.model_field(field))
        backend.scale_model(field, np.float32([[1.5], [0.5]]), [1, 3])
        found = to_numpy(backend.model_field(field))
        np.testing.assert_array_equal(found[[0, 2]], nominal[[0, 2]])
        np.testing.assert_allclose(found[1], 1.5 * nominal[1], rtol=ROUNDING)
        np.testing.assert_allclose(found[3], 0.5 * nominal[3], rtol=ROUNDING)
        moved = drive(backend)
        np.testing.assert_array_equal(moved[:, [0, 2]], plain[:, [0, 2]])
        for world in (1, 3):
            assert np.abs(moved[:, world] - plain[:, world]).max() > MOVED, field


def factors_do_not_pile_up(make: Factory) -> None:
    backend = started(make)
    nominal = to_numpy(backend.model_field("body_mass"))
    for _ in range(3):
        backend.scale_model("body_mass", np.full((4, 1), 1.25, dtype=np.float32))
    np.testing.assert_allclose(to_numpy(backend.model_field("body_mass")), 1.25 * nominal, rtol=ROUNDING)
    backend.scale_model("body_mass", np.ones((4, 1), dtype=np.float32))
    np.testing.assert_array_equal(drive(backend), drive(started(make)))


def a_reset_keeps_the_scaled_model(make: Factory) -> None:
    backend = started(make)
    backend.scale_model("body_mass", np.full((1, 1), 2.0, dtype=np.float32), [2])
    scaled = to_numpy(backend.model_field("body_mass"))
    backend.reset(None, poses(4))
    np.testing.assert_array_equal(to_numpy(backend.model_field("body_mass")), scaled)


def factors_that_make_no_sense_are_refused(make: Factory) -> None:
    backend = make(1)
    for factor in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(BadInputError, match="factors on body_mass must be positive and finite"):
            backend.scale_model("body_mass", np.full((1, 1), factor))


def nothing_depends_on_the_number_of_threads(make: Factory) -> None:
    runs: list[np.ndarray] = []
    for threads in (1, 2, 3):
        backend = started(make, 5, threads=threads)
        backend.scale_model("body_mass", np.float32([[0.8], [1.0], [1.2], [0.9], [1.1]]))
        runs.append(drive(backend, 10))
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])


def poisoned(make: Factory, field: str, value: float) -> tuple[Backend, np.ndarray, np.ndarray]:
    """Return a backend whose world 2 got a bad elbow, and the motion of it and of a sound twin since."""
    backend, twin = started(make), started(make)
    drive(backend), drive(twin)
    row = to_numpy(backend.get(field))[[2]]
    row[0, 2] = value
    backend.set(field, row, [2])
    return backend, drive(backend, 1, seed=2), drive(twin, 1, seed=2)


def a_diverged_world_is_named_and_put_back_to_rest(make: Factory) -> None:
    for field, value in (("joint_pos", np.nan), ("joint_vel", np.nan), ("joint_vel", np.inf), ("joint_vel", -1e30)):
        backend, _, _ = poisoned(make, field, value)
        (found,) = backend.divergences()
        assert (found.world, found.step) == (2, 6)
        assert found.field.endswith("of joint 'elbow'")
        assert "world 2 diverged at step 6" in str(found)
        for name in STATE_FIELDS:
            assert np.isfinite(to_numpy(backend.get(name))).all()
        np.testing.assert_array_equal(to_numpy(backend.get("joint_vel"))[2], 0.0)
        np.testing.assert_array_equal(to_numpy(backend.get("joint_pos"))[2], to_numpy(backend.get("joint_target"))[2])


def the_other_worlds_do_not_notice(make: Factory) -> None:
    backend, moved, sound = poisoned(make, "joint_vel", np.nan)
    np.testing.assert_array_equal(moved[:, [0, 1, 3]], sound[:, [0, 1, 3]])
    twin = started(make)
    drive(twin), drive(twin, 1, seed=2)
    backend.divergences()
    np.testing.assert_array_equal(drive(backend, 3, seed=3)[:, [0, 1, 3]], drive(twin, 3, seed=3)[:, [0, 1, 3]])


def a_divergence_is_told_once(make: Factory) -> None:
    backend, _, _ = poisoned(make, "joint_pos", np.nan)
    assert len(backend.divergences()) == 1
    assert backend.divergences() == []
    drive(backend)
    assert backend.divergences() == []


def a_diverged_world_goes_on_like_a_fresh_one(make: Factory) -> None:
    backend, _, _ = poisoned(make, "joint_vel", np.nan)
    backend.divergences()
    backend.reset([2], poses(4)[[2]])
    np.testing.assert_array_equal(drive(backend)[:, 2], drive(started(make))[:, 2])


def a_bad_target_is_a_divergence_too(make: Factory) -> None:
    backend = started(make)
    target = poses(4)
    target[1, 3] = np.nan
    backend.step(target, SUBSTEPS)
    (found,) = backend.divergences()
    assert (found.world, found.step) == (1, 1)
    assert "joint 'wrist'" in found.field
    assert np.isfinite(to_numpy(backend.get("joint_target"))).all()
    np.testing.assert_array_equal(to_numpy(backend.get("joint_vel"))[1], 0.0)


def two_worlds_can_diverge_at_once(make: Factory) -> None:
    backend = started(make)
    bad = np.full((2, NUM_JOINTS), np.nan, dtype=np.float32)
    backend.set("joint_vel", bad, [0, 3])
    drive(backend, 1)
    assert [found.world for found in backend.divergences()] == [0, 3]


def draws_its_worlds_with_markers(make: Factory) -> None:
    backend = started(make, 2)
    size = (160, 120)
    try:
        plain = backend.render(0, size=size, markers={})
    except MissingError as problem:
        pytest.skip(str(problem))
    assert plain.shape == (120, 160, 3)
    assert plain.dtype == np.uint8
    assert plain.std() > 5.0  # not one flat colour
    high, left = np.array([0.2, 0.0, 0.35]), np.array([0.2, 0.25, 0.1])
    one = backend.render(0, size=size, markers={"goal": high})
    moved = backend.render(0, size=size, markers={"goal": left})
    other_name = backend.render(0, size=size, markers={"place": high})
    both = backend.render(0, size=size, markers={"goal": high, "place": left})
    assert 10 < (one != plain).any(axis=-1).sum() < 0.2 * 120 * 160  # a ball, not another picture
    assert (one != moved).any()
    np.testing.assert_array_equal(one, other_name)
    assert (both != one).any()
    assert (both != moved).any()
    assert ((both != one).any(axis=-1) & (both != moved).any(axis=-1)).sum() == 0  # the two balls lie apart
    np.testing.assert_array_equal(backend.render(0, size=size, markers={}), plain)
    assert (backend.render(1, size=size, markers={}) != plain).any()
    assert backend.render(0, size=(80, 60), camera="side", markers={}).shape == (60, 80, 3)
    with pytest.raises(UnknownNameError, match="There is no camera named 'fornt'. Did you mean 'front'"):
        backend.render(0, size=size, camera="fornt", markers={})
    backend.close()


def measures_depth_where_there_is_something(make: Factory) -> None:
    backend = started(make, 2)
    try:
        depth_m = backend.render_depth(0, size=(160, 120))
    except MissingError as problem:
        pytest.skip(str(problem))
    assert (depth_m.shape, depth_m.dtype) == ((120, 160), np.float32)
    assert 0.3 < depth_m[depth_m > 0.0].min() < 1.1  # the arm: it stands 1.0 m away and reaches towards the camera
    assert (depth_m[-1] > 0.0).all()  # the table in front
    assert (backend.render_depth(1, size=(160, 120)) != depth_m).any()
    with pytest.raises(UnknownNameError, match="There is no camera named 'fornt'. Did you mean 'front'"):
        backend.render_depth(0, camera="fornt")
    backend.close()


def drawing_moves_nothing(make: Factory) -> None:
    backend, twin = started(make, 2), started(make, 2)
    try:
        backend.render(0, size=(80, 60), markers={"goal": np.array([0.2, 0.0, 0.3])})
    except MissingError as problem:
        pytest.skip(str(problem))
    np.testing.assert_array_equal(drive(backend), drive(twin))
    backend.close()


def only_its_own_worlds_can_be_drawn(make: Factory) -> None:
    for world in (2, -1):
        with pytest.raises(BadInputError, match=f"There is no world {world}; there are 2, counted from 0"):
            make(2).render(world, markers={})


def can_be_closed_twice(make: Factory) -> None:
    backend = make(1)
    backend.close()
    backend.close()


BACKEND_CONTRACT: tuple[Check, ...] = (
    says_what_it_is,
    needs_a_world,
    rests_where_it_was_put,
    fields_are_float32_copies,
    writing_to_a_copy_changes_nothing,
    what_was_handed_in_is_left_alone_and_may_change_later,
    follows_its_targets,
    a_reset_touches_only_its_worlds,
    a_reset_forgets_everything,
    worlds_do_not_know_each_other,
    fields_can_be_written_in_some_worlds,
    a_joint_force_comes_on_top_until_the_world_is_reset,
    unknown_fields_get_the_closest_name,
    worlds_that_do_not_exist_are_refused,
    a_scaled_model_moves_otherwise_in_those_worlds_alone,
    factors_do_not_pile_up,
    a_reset_keeps_the_scaled_model,
    factors_that_make_no_sense_are_refused,
    nothing_depends_on_the_number_of_threads,
    a_diverged_world_is_named_and_put_back_to_rest,
    the_other_worlds_do_not_notice,
    a_divergence_is_told_once,
    a_diverged_world_goes_on_like_a_fresh_one,
    a_bad_target_is_a_divergence_too,
    two_worlds_can_diverge_at_once,
    draws_its_worlds_with_markers,
    measures_depth_where_there_is_something,
    drawing_moves_nothing,
    only_its_own_worlds_can_be_drawn,
    can_be_closed_twice,
)
