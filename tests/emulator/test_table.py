"""The boxes of an emulated arm: put down and seen in this process and in another one."""

import time

import numpy as np
import pytest

from roarm_lab.core.clock import MonotonicClock, SimulatedClock
from roarm_lab.core.errors import BadInputError
from roarm_lab.emulator.process import emulator_process
from roarm_lab.emulator.table import EmulatedTable, asked_here
from roarm_lab.emulator.world import ServoWorld
from roarm_lab.sim.backend import Box

PLACE = (0.2, 0.1, 0.015)
TURNED = (0.8, 0.0, 0.0, 0.6)
SINK_M = 0.002  # what a cube settles by when it is put down
PATIENCE_S = 120.0  # only a test that fails waits this long


def table_here() -> tuple[ServoWorld, EmulatedTable]:
    world = ServoWorld(boxes=(Box(name="cube"), Box(name="other")))
    return world, EmulatedTable(asked_here(world), SimulatedClock(7.0))


def test_a_box_is_seen_where_it_was_put() -> None:
    world, table = table_here()
    table.place_box("cube", PLACE, TURNED)
    sight = table.look()
    assert sight.boxes == world.boxes == ("cube", "other")
    np.testing.assert_allclose(sight.box_pos_w[0], PLACE, atol=1e-6)
    np.testing.assert_allclose(sight.box_quat_w[0], TURNED, atol=1e-6)
    assert sight.seen_at_s == 7.0
    assert table.truth().touching.tolist() == [[False, False], [False, False]]


def test_a_look_is_a_new_one_where_looking_costs_nothing() -> None:
    world, table = table_here()
    world.place_box("cube", PLACE)
    np.testing.assert_allclose(table.look().box_pos_w[0], PLACE, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "pose", "message"),
    [
        ("cub", PLACE, "There is no box named 'cub'. Did you mean 'cube'"),
        ("cube", (0.1, 0.2), "place takes a name and seven numbers"),
        ("cube", (float("nan"), 0.0, 0.1), "must be finite numbers"),
    ],
)
def test_what_can_not_be_put_down_is_refused(name: str, pose: tuple[float, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        table_here()[1].place_box(name, pose)


def test_words_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(BadInputError, match="place takes seven numbers after the name, got '1 2 three 4 5 6 7'"):
        asked_here(table_here()[0])("place cube 1 2 three 4 5 6 7")


def test_another_process_is_looked_at_by_a_thread_until_it_ends() -> None:
    with emulator_process("20260701", "--pty", "--cube", *map(str, PLACE)) as emulator:
        table = EmulatedTable(emulator.command, MonotonicClock()).watching()
        try:
            table.place_box("cube", (0.3, -0.1, 0.015))
            first = table.look()
            np.testing.assert_allclose(first.box_pos_w, [(0.3, -0.1, 0.015)], atol=SINK_M)
            until_s = time.monotonic() + PATIENCE_S
            while table.look().seen_at_s == first.seen_at_s and time.monotonic() < until_s:
                time.sleep(0.01)
            assert table.look().seen_at_s > first.seen_at_s
            emulator.command("quit")
            while table.look().valid and time.monotonic() < until_s:
                time.sleep(0.01)
            assert "The emulator ended" in table.look().reason
        finally:
            table.close()
