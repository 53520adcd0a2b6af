"""Boards that have booted, one per test."""

from collections.abc import Callable, Iterator

import pytest

from roarm_lab.emulator.board import Board
from roarm_lab.emulator.faults import Faults
from roarm_lab.emulator.firmware import FW25, FW26, Firmware
from roarm_lab.emulator.world import ServoWorld
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Box

HOME = ROARM_M3.keyframe("home")
MakeBoard = Callable[..., Board]


@pytest.fixture
def make_board() -> Iterator[MakeBoard]:
    """Return a maker of boards that have booted at home and are quiet; keywords are those of `Board`."""
    made: list[Board] = []

    def make(firmware: Firmware, *, boxes: tuple[Box, ...] = (), booted: bool = True, **settings: object) -> Board:
        faults = settings.pop("faults", Faults())
        board = Board(firmware, ServoWorld(start_joint_pos=HOME, boxes=boxes), **settings)  # type: ignore[arg-type]
        made.append(board)
        if booted:
            board.boot()
            board.receive(b'{"T":605,"cmd":0}\n')
            board.run(0.2)
        board.faults = faults  # type: ignore[assignment]
        return board

    yield make
    for board in made:
        board.world.close()


@pytest.fixture
def older(make_board: MakeBoard) -> Board:
    return make_board(FW25)


@pytest.fixture
def newer(make_board: MakeBoard) -> Board:
    return make_board(FW26)


@pytest.fixture(params=[FW25, FW26], ids=lambda firmware: firmware.name)
def board(request: pytest.FixtureRequest, make_board: MakeBoard) -> Board:
    return make_board(request.param)
