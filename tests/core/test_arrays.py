"""The helpers that let one source run on NumPy and on torch."""

import numpy as np
import pytest

from roarm_lab.core.arrays import array_namespace, asarray_like, to_numpy


def test_numbers_become_an_array_of_the_same_floating_type() -> None:
    for dtype in (np.float32, np.float64):
        made = asarray_like((0.1, 0.2), np.zeros(3, dtype=dtype))
        assert made.dtype == dtype
        np.testing.assert_array_equal(made, np.array([0.1, 0.2], dtype=dtype))


def test_an_array_that_fits_is_not_copied() -> None:
    values = np.zeros(3, dtype=np.float32)
    assert asarray_like(values, np.ones(1, dtype=np.float32)) is values
    assert to_numpy(values) is values
    np.testing.assert_array_equal(to_numpy([1.0, 2.0]), [1.0, 2.0])


def test_torch_gets_a_copy_of_its_own_on_its_device() -> None:
    torch = pytest.importorskip("torch")
    locked = np.float64([0.1, 0.2])
    locked.setflags(write=False)
    made = asarray_like(locked, torch.zeros(1, dtype=torch.float32))
    assert (made.dtype, made.device.type) == (torch.float32, "cpu")
    made += 1.0  # neither refused nor seen in the source
    np.testing.assert_array_equal(locked, [0.1, 0.2])
    assert asarray_like((1.0,), torch.zeros(1, device="meta")).device.type == "meta"


def test_either_library_goes_to_the_other() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([1.0, 2.0], requires_grad=True)
    np.testing.assert_array_equal(to_numpy(tensor), [1.0, 2.0])
    back = asarray_like(tensor, np.zeros(1, dtype=np.float64))
    assert isinstance(back, np.ndarray)
    assert back.dtype == np.float64
    np.testing.assert_array_equal(asarray_like(tensor, torch.zeros(1)).numpy(), [1.0, 2.0])


def test_the_namespace_follows_the_array() -> None:
    torch = pytest.importorskip("torch")
    assert float(array_namespace(np.zeros(1)).sum(np.ones(3))) == 3.0
    assert isinstance(array_namespace(torch.zeros(1)).ones(3), torch.Tensor)
