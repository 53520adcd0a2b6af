"""Watches torch for what can not be part of a CUDA graph: bringing values to the device, and looking at them.

No GPU is needed: on the CPU, torch does the same operations and says so.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.overrides import TorchFunctionMode  # noqa: E402 (not everywhere is torch)
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

BRINGS = {"lift_fresh"}
"""How a list, a number or a NumPy array becomes a tensor."""
LOOKS = {
    "_local_scalar_dense": "bool(), item(), a tensor as a Python index",
    "is_nonzero": "bool()",
    "nonzero": "as many rows as are true",
    "masked_select": "as many rows as are true",
    "equal": "a Python bool",
    "allclose": "a Python bool",
    "_unique2": "as many values as there are",
    "normal": "the smallest deviation, where deviations are a tensor",
    "repeat_interleave": "as many rows as are asked for",
}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}
TO_THE_HOST = ("numpy", "tolist", "cpu", "__array__", "__float__", "__int__", "__bool__", "__index__")


class _Operations(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to tell the compiler so would import it first, for seconds

    def __init__(self, watch: "Watch") -> None:
        super().__init__()
        self._watch = watch

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        given = dict(kwargs or {})
        found = func(*args, **given)
        self._watch.operation(func.overloadpacket.__name__, args, tree_leaves([args, given, found]))
        return found


class _Calls(TorchFunctionMode):
    def __init__(self, watch: "Watch") -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        self._watch.call(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


class Watch:
    """Notes what would have ended a recording, while it is on."""

    def __init__(self, device: str) -> None:
        self.found: list[str] = []
        self.operations = 0
        self._device, self._off = device, False

    def operation(self, name: str, args: tuple[Any, ...], leaves: Iterable[Any]) -> None:
        """Note an operation: what it is, and on which devices its tensors are."""
        if self._off:
            return
        self.operations += 1
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        if name in BRINGS:
            self.found.append(f"{name}: values are brought to the device")
        elif name in LOOKS:
            self.found.append(f"{name}: {LOOKS[name]}")
        elif name in INDEXING and any(index is not None and index.dtype == torch.bool for index in args[1]):
            self.found.append(f"{name}: a mask as an index")
        elif elsewhere := {tensor.device.type for tensor in tensors} - {self._device}:
            self.found.append(f"{name}: a tensor is on another device ({', '.join(elsewhere)})")

    def call(self, name: str) -> None:
        """Note a call of a tensor's method."""
        if not self._off and name in TO_THE_HOST:
            self.found.append(f"{name}: values are brought to the host")

    def apart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that is not watched: it stands for what a GPU does otherwise."""

        def unwatched(*args: Any, **kwargs: Any) -> Any:
            before, self._off = self._off, True
            try:
                return function(*args, **kwargs)
            finally:
                self._off = before

        return unwatched


@contextmanager
def watching(watch: Watch) -> Generator[Watch]:
    """Let torch tell a watch what it does."""
    with _Calls(watch), _Operations(watch):
        yield watch
