"""Random numbers are decided by their seed alone, on NumPy and on torch."""

import json
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.arrays import Array, to_numpy
from roarm_lab.core.random_streams import SEEDS, Purpose, random_stream, seed_for

EARLIER_RUN = Path(__file__).parents[1] / "data" / "earlier_run"


def arrays() -> list[Array]:
    torch = pytest.importorskip("torch")
    return [np.zeros(1, dtype=np.float32), torch.zeros(1)]


WRITTEN_OUT: dict[Purpose, tuple[tuple[int, int, int], ...]] = {
    "evaluation": ((0, 0, 1_000_003), (7, 0, 1_000_010)),
    "rank": ((5, 0, 5), (5, 1, 1_099_511_627_781), (5, 3, 3_298_534_883_333)),
    "resume": ((7, 0, 7), (7, 3072, 3079)),
    "batch": ((0, 0, 2_968_811_710), (0, 1, 3_964_924_996), (1_000_003, 0, 2_508_929_068), (7, 4096, 4_240_611_789)),
    "episode": ((0, 0, 2_968_811_710), (0, 1, 3_964_924_996), (1_000_003, 0, 2_508_929_068), (7, 4096, 4_240_611_789)),
    "arm-goals": ((0, 0, 0), (11, 0, 11)),
}
"""Root, which of several, seed: every published curve and evaluation rests on these."""


@pytest.mark.parametrize("purpose", SEEDS)
def test_seeds_are_those_of_all_curves_so_far(purpose: Purpose) -> None:
    for root, n, seed in WRITTEN_OUT[purpose]:
        assert seed_for(root, purpose, n) == seed


def test_the_seed_of_an_evaluation_is_in_an_earlier_run() -> None:
    kept = json.loads((EARLIER_RUN / "evaluation.json").read_text())
    assert kept["seed"] == seed_for(json.loads((EARLIER_RUN / "meta.json").read_text())["seed"], "evaluation")


def test_numpy_numbers_are_those_of_its_own_generator() -> None:
    ours, theirs = random_stream((3, 7), np.zeros(1)), np.random.default_rng((3, 7))
    np.testing.assert_array_equal(ours.uniform(5, 2), theirs.random((5, 2), dtype=np.float32))
    np.testing.assert_array_equal(ours.normal(4, 3), theirs.standard_normal((4, 3), dtype=np.float32))
    np.testing.assert_array_equal(ours.integers(9, 20), theirs.integers(0, 9, 20))


@pytest.mark.parametrize("which", [0, 1], ids=["numpy", "torch"])
def test_one_seed_one_stream_and_another_seed_another(which: int) -> None:
    like = arrays()[which]
    first, again, other = (random_stream(seed, like).uniform(100, 3) for seed in ((3, 7), (3, 7), (3, 8)))
    np.testing.assert_array_equal(to_numpy(first), to_numpy(again))
    assert (to_numpy(first) != to_numpy(other)).mean() > 0.99


@pytest.mark.parametrize("which", [0, 1], ids=["numpy", "torch"])
def test_the_numbers_are_spread_as_they_say(which: int) -> None:
    rng = random_stream((1, 1), arrays()[which])
    uniform, normal, whole = (to_numpy(x) for x in (rng.uniform(10_000), rng.normal(10_000), rng.integers(5, 10_000)))
    assert (uniform.dtype, normal.dtype, whole.dtype) == (np.float32, np.float32, np.int64)
    assert 0.0 <= uniform.min() < uniform.max() < 1.0
    assert abs(uniform.mean() - 0.5) < 0.02  # 7 standard deviations of the mean
    assert abs(normal.mean()) < 0.07
    assert abs(normal.std() - 1.0) < 0.05
    assert set(whole) == set(range(5))
