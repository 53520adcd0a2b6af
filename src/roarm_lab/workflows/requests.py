"""What requests have in common: how numbers and options that do not fit are refused."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.core.shown import shown


def at_least(request: object, least: int, *names: str) -> None:
    """Refuse numbers that are too small; what is None was not given.

    Raises:
        InvalidValueError: One is.
    """
    for name in names:
        value = getattr(request, name)
        if value is not None and value < least:
            raise InvalidValueError(name, value, f"must be {least} or more")


def is_page(request: object, name: str) -> None:
    """Refuse a file whose name does not say that it is a page: it may be something else that would be replaced.

    Raises:
        BadInputError: It ends otherwise.
    """
    path: Path | None = getattr(request, name)
    if (
        path is not None and path.suffix.lower() not in {".html", ".htm"} and not path.is_dir()
    ):  # that is refused as one
        raise BadInputError(f"`{name}=` writes a page: give a name that ends in .html, got {shown(path)}.")


def refuse_changed(request: object, usual: object, free: Iterable[str]) -> None:
    """Refuse a request to resume that also gives what the run or sweep knows itself.

    Args:
        request: What is asked for.
        usual: A request of the same kind with nothing but defaults.
        free: What may be given besides.

    Raises:
        BadInputError: Something else than `resume` and these differs from its default.
    """
    free = tuple(free)
    for field in fields(usual):  # pyright: ignore[reportArgumentType]
        if field.name not in ("resume", *free) and getattr(request, field.name) != getattr(usual, field.name):
            *most, last = (f"`{name}=`" for name in free)
            raise BadInputError(f"With `resume=` only {', '.join(most)} and {last} may be given.")
