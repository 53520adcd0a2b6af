"""A verb's config dataclass becomes its flags: one field, one flag, the docstring below the field is its help."""

from collections.abc import Sequence
from typing import TypeVar

import tyro

ConfigT = TypeVar("ConfigT")


def parse(config: type[ConfigT], argv: Sequence[str], *, prog: str, description: str) -> ConfigT:
    """Return `argv` as a value of the dataclass `config`.

    A field annotated `tyro.conf.Positional[...]` is given without a flag. A tuple of values is written as
    `--sizes 1 2 3`, a switch as `--overwrite` or `--no-overwrite`.

    Args:
        config: A frozen dataclass; its `__post_init__` may raise BadInputError.
        argv: The words after the verb.
        prog: What the usage line calls the command, for instance `roarm train`.
        description: One or two sentences above the flags in `--help`.

    Raises:
        SystemExit: 0 after `--help`, 2 (with the reason on stderr) when the words do not fit.
    """
    names = (tyro.conf.PositionalMetavarFromFieldName,)  # ROBOT in the usage line, not STR
    return tyro.cli(config, args=list(argv), prog=prog, description=description, config=names)
