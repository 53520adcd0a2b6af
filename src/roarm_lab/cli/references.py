"""Python that stands in texts, written as it is typed after `roarm`.

A use case and what lies below it know no flags. Where their texts name an option they write it as a keyword argument
in backticks, `overwrite=True`, and where they name a use case as a call, `check_install()`; the command line shows
`--overwrite` and `roarm doctor`.
"""

import ast
import re
from collections.abc import Container
from dataclasses import fields
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import InvalidValueError
from roarm_lab.core.shown import shell_words

COMMANDS = {
    "bench": "bench",
    "check_install": "doctor",
    "diagnose": "doctor --arm",
    "emulate": "emulate",
    "evaluate": "eval",
    "explain": "explain",
    "list_cameras": "cameras list",
    "list_ports": "arm ports",
    "list_robots": "robots list",
    "export_robot": "robots export",
    "play": "play",
    "read_drift": "drift",
    "recover_arm": "arm recover",
    "run_policy": "run",
    "serve": "serve",
    "set_up_arm": "setup",
    "sweep": "sweep",
    "teleoperate": "teleop",
    "torque_off": "arm torque off",
    "torque_on": "arm torque on",
    "train": "train",
    "write_report": "report",
}
"""Use case -> the words after `roarm` that start it."""
REPEATED = {"set"}
"""Fields whose values each come behind a flag of their own."""
FLAGS = {"input_device": "with"}
"""Field -> its flag, where that has another name."""
OPTION = re.compile(r"`([a-z_][a-z0-9_]*)=([^`]*)`")
CALL = re.compile(r"`([a-z_]+)\(([^`]*)\)`")


def flag(field: str) -> str:
    """Return a field of a request as a flag."""
    return f"--{FLAGS.get(field, field).replace('_', '-')}"


def as_typed(text: str) -> str:
    """Return a text with options as flags and use cases as commands; everything else stays as it is."""
    text = CALL.sub(lambda found: _command(found[1], found[2]) or found[0], text)
    return OPTION.sub(lambda found: _option(found[1], found[2]) or found[0], text)


def error_as_typed(error: Exception) -> str:
    """Return the text of an error; the field whose value is wrong is named by its flag."""
    text = str(error)
    if isinstance(error, InvalidValueError) and text.startswith(error.field):
        text = flag(error.field) + text.removeprefix(error.field)
    return as_typed(text)


def words_of(request: Any, leave: Container[str] = ()) -> list[str]:
    """Return the flags of a request's fields that differ from their defaults."""
    given = ((field.name, getattr(request, field.name), field.default) for field in fields(request))
    return [
        word
        for name, value, usual in given
        if name not in leave and value != usual
        for word in _words(name, str(value) if isinstance(value, Path) else value)
    ]


def _option(name: str, value: str) -> str | None:
    """Return a keyword argument as a flag with its value; None if it is none. Without a value it is the flag alone."""
    if not value or value.isupper():  # a placeholder such as FILE stays
        return f"{flag(name)} {value}".rstrip()
    try:
        plain = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return None
    return " ".join(_words(name, plain))


def _command(name: str, arguments: str) -> str | None:
    """Return a call as a command; None where there is no such use case, or it is not written out."""
    if name not in COMMANDS:
        return None
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
        assert isinstance(call, ast.Call)
        places = [_quoted(ast.literal_eval(place)) for place in call.args]
        flags = [_words(str(word.arg), ast.literal_eval(word.value)) for word in call.keywords]
    except (ValueError, SyntaxError):
        return None
    return " ".join(["roarm", COMMANDS[name], *places, *(word for words in flags for word in words)])


def _words(name: str, value: object) -> list[str]:
    """Return a flag and its values."""
    if isinstance(value, bool):
        return [flag(name) if value else f"--no-{name.replace('_', '-')}"]
    if name in REPEATED and isinstance(value, tuple | list):
        return [word for each in value for word in _words(name, each)]
    return [flag(name), *map(_quoted, value if isinstance(value, tuple | list) else (value,))]


def _quoted(value: object) -> str:
    return shell_words([value])
