"""The arm's body and the boxes on its table."""

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.emulator.firmware import FW25
from roarm_lab.emulator.world import FOLDED_RAD, ServoWorld
from roarm_lab.sim.backend import Box
from tests.emulator.conftest import MakeBoard
from tests.emulator.talk import tell

CUBE = Box(name="cube")
MM = 0.001


def test_a_folded_arm_without_power_stays_folded() -> None:
    world = ServoWorld()
    for _ in range(400):
        world.step()
    np.testing.assert_allclose(world.joint_pos, FOLDED_RAD, atol=0.06)  # it settles against its stops


def test_a_box_lies_where_it_is_put() -> None:
    world = ServoWorld(boxes=(CUBE,))
    world.place_box("cube", (0.3, 0.1, 0.015))
    for _ in range(100):
        world.step()
    pos_w, quat_w = world.box_pose("cube")
    np.testing.assert_allclose(pos_w, [0.3, 0.1, 0.015], atol=MM)
    np.testing.assert_allclose(quat_w, [1.0, 0.0, 0.0, 0.0], atol=1e-3)


def test_an_arm_pushes_a_box_away(make_board: MakeBoard) -> None:
    board = make_board(FW25, boxes=(CUBE,))
    tell(board, '{"T":1041,"x":250,"y":0,"z":-90,"t":1.5707963,"r":0,"g":3.14}', 3.0)
    board.world.place_box("cube", (0.25, 0.06, 0.015))
    tell(board, '{"T":101,"joint":1,"rad":0.6,"spd":300,"acc":5}', 3.0)
    pos_w, _ = board.world.box_pose("cube")
    assert pos_w[1] > 0.09


def test_what_does_not_exist_or_is_no_pose_is_refused() -> None:
    world = ServoWorld(boxes=(CUBE,))
    with pytest.raises(UnknownNameError, match="no box named 'cub'. Did you mean 'cube'"):
        world.box_pose("cub")
    with pytest.raises(BadInputError, match="must be finite"):
        world.place_box("cube", (0.3, float("nan"), 0.0))
    with pytest.raises(BadInputError, match="must be 6 finite angles"):
        ServoWorld(start_joint_pos=(0.0,) * 5)
