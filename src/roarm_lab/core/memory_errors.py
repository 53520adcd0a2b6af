"""Too little memory, said in words, whichever library noticed it."""

from collections.abc import Generator
from contextlib import contextmanager

from roarm_lab.core.errors import BadInputError

TOO_MUCH = ("bad_alloc", "allocate", "out of memory", "too big", "too large")
"""What MuJoCo, NumPy, PyTorch and CUDA say in errors of different classes."""


@contextmanager
def memory_in_words(what: str) -> Generator[None]:
    """Say that `what` does not fit into the memory.

    Args:
        what: What is being made, in words: `4,096 worlds`.

    Raises:
        BadInputError: It does not.
    """
    try:
        yield
    except (MemoryError, RuntimeError, ValueError) as error:
        if not isinstance(error, MemoryError) and not any(word in str(error).lower() for word in TOO_MUCH):
            raise
        raise BadInputError(f"There is not enough memory for {what}. Ask for less.") from error
