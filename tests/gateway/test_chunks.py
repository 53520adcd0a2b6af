"""Chunks of actions: what is stale is dropped, what overlaps is blended, nothing is replayed."""

import numpy as np
import pytest

from roarm_lab.gateway.chunks import ChunkPlayer


def chunk(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def played(player: ChunkPlayer, *steps: int) -> list[float | None]:
    actions = [player.next(step) for step in steps]
    return [None if action is None else float(action[0]) for action in actions]


def test_actions_are_carried_out_step_by_step_and_then_there_is_none() -> None:
    player = ChunkPlayer()
    assert player.take_in(chunk(1, 2, 3), observed_at=7, now=7) == 0
    assert played(player, 7, 8, 9, 10, 11) == [1, 2, 3, None, None]


def test_what_was_for_steps_that_have_passed_is_dropped() -> None:
    player = ChunkPlayer()
    assert player.take_in(chunk(1, 2, 3, 4), observed_at=0, now=3) == 3
    assert played(player, 3, 4) == [4, None]


def test_a_chunk_that_comes_after_its_end_gives_nothing() -> None:
    player = ChunkPlayer()
    assert player.take_in(chunk(1, 2), observed_at=0, now=5) == 2
    assert played(player, 5) == [None]


def test_steps_that_were_left_out_are_not_made_up_for() -> None:
    player = ChunkPlayer()
    player.take_in(chunk(1, 2, 3, 4), observed_at=0, now=0)
    assert played(player, 0, 3, 4) == [1, 4, None]


def test_an_overlap_goes_over_from_the_old_to_the_new() -> None:
    player = ChunkPlayer()
    player.take_in(chunk(0, 0, 0, 0, 0), observed_at=0, now=0)
    assert played(player, 0, 1) == [0, 0]
    player.take_in(chunk(4, 4, 4, 4, 4), observed_at=1, now=2)
    assert played(player, 2, 3, 4, 5, 6) == pytest.approx([1, 2, 3, 4, None])


def test_it_forgets_when_an_episode_ends() -> None:
    player = ChunkPlayer()
    player.take_in(chunk(1, 2), observed_at=0, now=0)
    player.clear()
    assert played(player, 0) == [None]
