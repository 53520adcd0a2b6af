"""Too little memory, said in words."""

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.memory_errors import memory_in_words


@pytest.mark.parametrize("error", [MemoryError(), ValueError("std::bad_alloc"), RuntimeError("CUDA out of memory.")])
def test_libraries_say_it_in_their_own_ways(error: Exception) -> None:
    with (
        pytest.raises(BadInputError, match="not enough memory for 5 worlds. Ask for less."),
        memory_in_words("5 worlds"),
    ):
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(ValueError, match="^shape$"), memory_in_words("5 worlds"):
        raise ValueError("shape")
