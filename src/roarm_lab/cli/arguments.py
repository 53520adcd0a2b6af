"""A verb's config dataclass becomes its flags: one field, one flag, the docstring below the field is its help."""

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import fields, is_dataclass, replace
from itertools import dropwhile, takewhile
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.shown import shown_text

ConfigT = TypeVar("ConfigT")

MOST = {
    "num_envs": 1_000_000,
    "worlds": 1_000_000,
    "threads": 1024,
    "gpus": 1024,
    "episodes": 10_000_000,
    "eval_episodes": 10_000_000,
    "record_rollouts": 100_000,
    "goals": 1_000_000,
    "commands": 10_000_000,
    "substeps": 1000,
    "total_timesteps": 10**12,
}
"""Flag -> the largest number that makes any sense: a choice, a hundred times and more of what is of use."""
UNSET = "unset"
"""What the help says about a flag whose default is None."""
FRAME = frozenset("╭╮╰╯─+- ")
"""What tyro draws around an error and between its parts, also on terminals without such characters."""


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
        BadInputError: The words do not fit, a number is beyond all reason, or a flag that takes several values is
            given twice.
        SystemExit: 0 after `--help`.
    """
    _check_lists(config, argv)
    names = (tyro.conf.PositionalMetavarFromFieldName,)  # ROBOT in the usage line, not STR
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            arguments = tyro.cli(
                config, args=list(argv), prog=prog, description=description, config=names, registry=REGISTRY
            )
        check_most(arguments)
        return arguments
    except SystemExit as end:
        if end.code in (0, None):
            raise
    raise BadInputError(f"{_in_one_sentence(told.getvalue())} What can be given: {prog} --help")


def check_most(arguments: object) -> None:
    """Refuse numbers that no computer can do something with, before anything is written.

    Raises:
        BadInputError: One is larger than `MOST` says.
    """
    for field in fields(arguments) if is_dataclass(arguments) else ():
        value = getattr(arguments, field.name)
        most = MOST.get(field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if most is not None and isinstance(number, int | float) and number > most:
                raise BadInputError(f"--{field.name.replace('_', '-')} must be at most {most:,}, got {number:,}.")
        check_most(value)


def _in_one_sentence(told: str) -> str:
    """Return the first paragraph of what tyro says, without its frame."""
    lines = [_unframed(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", told).splitlines()]
    said = list(takewhile(bool, dropwhile(lambda line: not line, lines[1:]))) or lines
    text = shown_text(" ".join(said).removeprefix("Error parsing "))
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    others = [line for line in lines if line.startswith("--")]
    if "Perhaps you meant:" in lines and others:
        text += f" Did you mean {others[0].split()[0]}?"
    return " ".join([text, *(f"{line}." for line in lines if line.startswith("Available subcommands:"))])


def _unframed(line: str) -> str:
    """Return what stands in a line; nothing of one that only separates."""
    text = line.strip().strip("│|").strip()
    return "" if set(text) <= FRAME else text


def check_share(share: float | None, flag: str = "min-success") -> None:
    """Refuse what is no share.

    Raises:
        BadInputError: It is not within 0 and 1.
    """
    if share is not None and not 0.0 <= share <= 1.0:
        raise BadInputError(f"--{flag} must be between 0 and 1, got {share}.")


def check_one_policy(bundle: Path | None, demo: bool, verb: str) -> None:
    """Refuse a command line that names no policy, or both its own and the one of this package.

    Raises:
        BadInputError: Says what to type.
    """
    if (bundle is None) != demo:
        raise BadInputError(f"Give either a bundle or run folder (`roarm {verb} runs/RUN`) or --demo.")


def whole_number(text: str) -> int:
    """Return a whole number; 1e6 and 2_000_000 are some.

    Raises:
        ValueError: It is none.
    """
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"a whole number is expected, got {text!r}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"a number is expected, got {text!r}") from None


REGISTRY = ConstructorRegistry()
"""How words become values where tyro's own way would speak of Python's types."""


@REGISTRY.primitive_rule
def _numbers(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    readers: dict[Any, Any] = {int: (whole_number, "INT"), float: (_number, "FLOAT")}
    if info.type not in readers:
        return None
    read, metavar = readers[info.type]
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: isinstance(value, info.type) and not isinstance(value, bool),
        str_from_instance=lambda value: [str(value)],
    )


@REGISTRY.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Read `X | None` as X: what is left out is None, and nobody types it."""
    kinds = [kind for kind in get_args(info.type) if kind is not NoneType]
    if len(kinds) != 1 or NoneType not in get_args(info.type):
        return None
    inner = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kinds[0], info.markers))
    if isinstance(inner, UnsupportedTypeAnnotationError):
        return None
    return replace(
        inner,
        is_instance=lambda value: value is None or inner.is_instance(value),
        str_from_instance=lambda value: [UNSET] if value is None else inner.str_from_instance(value),
    )


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
