"""Errors that teach: what was given, what was expected, what to try. Each knows its exit code."""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class RoarmLabError(Exception):
    """Base of every error a user is meant to read. The command line prints its text and leaves with `exit_code`."""

    exit_code: ClassVar[int] = 1


class BadInputError(RoarmLabError):
    """What was given can not be used (exit code 2)."""

    exit_code = 2


class InvalidValueError(BadInputError):
    """One field of a request has a value that can not be used; a front end can point at the field.

    Texts of errors name options as keyword arguments in backticks, `overwrite=True`, and use cases as calls,
    `check_install()`: each front end shows them in its own language.
    """

    def __init__(self, field: str, value: object, must: str, advice: str = "") -> None:
        """Make the error.

        Args:
            field: Name of the field.
            value: What it was given.
            must: What would be right, for instance "must be 1 or more".
            advice: What to try, as whole sentences.
        """
        super().__init__(f"{field} {must}, got {value}." + (f" {advice}" if advice else ""))
        self.field, self.value, self.must = field, value, must


class UnknownNameError(BadInputError):
    """A name was looked up that the model, scene or table does not have."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no {kind} named {name!r}.{_hint(name, known)}")


class UnknownKeyError(UnknownNameError):
    """A file, or a part of it, has a key that means nothing there: every such error of every file is this one."""

    def __init__(self, where: str, key: str, known: Iterable[str]) -> None:
        BadInputError.__init__(self, f"{where} has an unknown key {key!r}.{_hint(key, known)}")


class MissingError(RoarmLabError):
    """The environment lacks something: a package, a device, a renderer (exit code 3). Says what to install."""

    exit_code = 3


class DiskError(RoarmLabError):
    """What was made can not be written any more, in the middle of work: the disk is full, or gone (exit code 1)."""


class UnsafeCommandError(RoarmLabError):
    """A command was refused because sending it could be dangerous."""


def _hint(name: str, known: Iterable[str]) -> str:
    """Return what was meant, if anything is close, and what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return (f" Did you mean {close[0]!r}?" if close else "") + f" Known: {', '.join(names)}."
