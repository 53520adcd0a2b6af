"""Random numbers are decided by their seed alone, on NumPy and on torch."""

import numpy as np
import pytest

from roarm_lab.core.arrays import Array, to_numpy
from roarm_lab.core.random_streams import random_stream


def arrays() -> list[Array]:
    torch = pytest.importorskip("torch")
    return [np.zeros(1, dtype=np.float32), torch.zeros(1)]


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
