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
