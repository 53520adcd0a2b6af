"""What MuJoCo Warp's device repeats is what it would have done: on a GPU from a tape, on Warp's CPU device anew."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from roarm_lab.core.arrays import to_numpy
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Box, SimConfig
from tests.sim.backend_contract import HOME, SUBSTEPS, poses
from tests.sim.gpu_packages import needs_gpu_packages

if TYPE_CHECKING:
    from roarm_lab.sim.mujoco_warp import MujocoWarp

WORLDS, STEPS = 3, 4
CUBE = (Box(name="cube"),)


def started(device: str, boxes: Sequence[Box] = ()) -> "MujocoWarp":
    """Return worlds whose contacts and sums have a fixed order, each at rest in a pose of its own."""
    from roarm_lab.sim.mujoco_warp import MujocoWarp

    config = SimConfig(backend="mujoco_warp", device=device, threads=1, boxes=tuple(boxes))
    backend = MujocoWarp(ROARM_M3, WORLDS, config)
    backend._m.opt.deterministic = True  # pyright: ignore[reportPrivateUsage]
    backend.device.forget()
    backend.reset(None, poses(WORLDS))
    return backend


def targets(like: Any) -> Any:
    """Return targets [step, env, joint] rad on the device of a tensor."""
    import torch

    found = HOME + np.random.default_rng(1).uniform(-0.5, 0.5, (STEPS, WORLDS, len(HOME)))
    return torch.as_tensor(found.astype(np.float32), device=like.device)


def same(one: "MujocoWarp", other: "MujocoWarp") -> None:
    for field in ("qpos", "qvel", "joint_target"):
        np.testing.assert_array_equal(to_numpy(one.get(field)), to_numpy(other.get(field)), err_msg=field)


def repeats_its_steps(plain: "MujocoWarp", repeated: "MujocoWarp") -> None:
    """Check that recording does nothing, and that each repetition is a step towards what is now in the same memory."""
    wishes = targets(plain.get("joint_pos"))
    held = wishes[0].clone()
    for backend in (plain, repeated):
        backend.step(held, SUBSTEPS)  # brings everything to the device, and captures the physics
    key, play = repeated.record(lambda: repeated.step(held, SUBSTEPS), ())
    assert key == repeated.recorded_for
    same(plain, repeated)
    for wish in wishes:
        held[:] = wish
        play()
        before = to_numpy(plain.get("qpos"))
        plain.step(wish, SUBSTEPS)
        assert np.abs(to_numpy(plain.get("qpos")) - before).max() > 1e-3  # rad: it moves
        same(plain, repeated)


@needs_gpu_packages
def test_repeated_steps_are_the_steps_themselves() -> None:
    repeats_its_steps(started("cpu"), started("cpu"))


@pytest.mark.gpu
@needs_gpu_packages
@pytest.mark.parametrize("boxes", [(), CUBE], ids=["arm", "cube"])
def test_steps_from_a_tape_are_the_steps_themselves(boxes: Sequence[Box]) -> None:
    repeats_its_steps(started("cuda", boxes), started("cuda", boxes))


@pytest.mark.gpu
@needs_gpu_packages
def test_a_tape_plays_its_pieces_in_order_and_draws_on() -> None:
    import torch

    from roarm_lab.sim.cuda_graphs import GraphRecorder

    luck = torch.Generator(device="cuda")
    values, drawn = torch.zeros(4, device="cuda"), torch.zeros(4, device="cuda")
    tape = GraphRecorder(torch, "cuda:0", [luck])

    def double() -> None:
        values.mul_(2.0)

    def work() -> None:
        values.add_(1.0)
        tape.cut(double)
        values.add_(3.0)
        drawn.copy_(torch.rand(4, generator=luck, device="cuda"))

    tape.record(work)
    assert values.tolist() == [0.0] * 4
    seen: list[list[float]] = []
    for expected in (5.0, 15.0, 35.0):  # (x + 1) * 2 + 3
        tape.play()
        assert values.tolist() == [expected] * 4
        seen.append(drawn.tolist())
    assert len({number for numbers in seen for number in numbers}) == 12


@needs_gpu_packages
def test_a_recording_is_void_when_a_field_is_first_scaled_and_while_constants_are_stale() -> None:
    backend = started("cpu")
    factor = np.full((WORLDS, 1), 1.2, dtype=np.float32)
    before = backend.recorded_for
    backend.step(targets(backend.get("joint_pos"))[0], SUBSTEPS)
    assert backend.recorded_for == before
    backend.scale_model("body_mass", factor)
    stale = backend.recorded_for
    backend.reset(None, poses(WORLDS))
    settled = backend.recorded_for
    assert len({before, stale, settled}) == 3  # other memory; then constants to be derived; then neither again
    backend.scale_model("body_mass", factor)
    assert backend.recorded_for == stale
    backend.reset(None, poses(WORLDS))
    assert backend.recorded_for == settled
