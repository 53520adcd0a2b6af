"""A verb's config dataclass becomes its flags: one field, one flag, the docstring below the field is its help."""

from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import tyro

from roarm_lab.core.errors import BadInputError

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
        BadInputError: A flag that takes several values is given twice.
        SystemExit: 0 after `--help`, 2 (with the reason on stderr) when the words do not fit.
    """
    _check_lists(config, argv)
    names = (tyro.conf.PositionalMetavarFromFieldName,)  # ROBOT in the usage line, not STR
    return tyro.cli(config, args=list(argv), prog=prog, description=description, config=names)


def _check_lists(config: type[Any], argv: Sequence[str]) -> None:
    """Refuse a second flag of the same list: only its values would count, and those of the first be lost in silence.

    Raises:
        BadInputError: There is one.
    """
    given = [word.partition("=")[0].replace("_", "-") for word in argv if word.startswith("--")]
    for name, hint in get_type_hints(config, include_extras=True).items():
        flag = f"--{name.replace('_', '-')}"
        if given.count(flag) > 1 and _is_list(hint):
            raise BadInputError(
                f"{flag} is given twice, and the values of the first would be lost: write all after one."
            )


def _is_list(hint: object) -> bool:
    """Whether values stand one after another behind one flag; one that may be repeated is annotated."""
    return get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis
