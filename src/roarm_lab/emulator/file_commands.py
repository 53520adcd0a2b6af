"""Commands about files (`T` 200 to 208). The wording of what they print is ours; that they print is the firmware's."""

from collections.abc import Callable

from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.emulator.json_text import Command

NOT_FOUND = "file not found."


def list_files(computer: Computer, command: Command) -> Work:
    """200: one group of lines per file."""
    files = computer.flash.files
    computer.ram.info = {"files": sorted(files)}
    for name in sorted(files):
        first = files[name].split("\n", 1)[0]
        yield from computer.say(f">>>---=== {name} ===---<<<\nfirst line: {first}\n")


def create(computer: Computer, command: Command) -> Work:
    """201: a file with a first line."""
    computer.flash.files[command.text("name")] = command.text("content")
    return computer.debug(f"file created: {command.text('name')}")


def read(computer: Computer, command: Command) -> Work:
    """202: the file with numbered lines."""
    return show(computer, command.text("name"))


def delete(computer: Computer, command: Command) -> None:
    """203: delete a file."""
    computer.flash.files.pop(command.text("name"), None)


def append(computer: Computer, command: Command) -> Work:
    """204: one more line."""
    return edit(computer, command.text("name"), lambda lines: [*lines, command.text("content")])


def insert(computer: Computer, command: Command) -> Work:
    """205: a line before line `lineNum`, counted from 1."""
    at, text = command.i32("lineNum"), command.text("content")
    return edit(computer, command.text("name"), inserted(at, text))


def replace(computer: Computer, command: Command) -> Work:
    """206: another text for a line."""
    at, text = command.i32("lineNum"), command.text("content")
    return edit(computer, command.text("name"), replaced(at, text))


def read_line(computer: Computer, command: Command) -> Work:
    """207: one line, printed in debug only."""
    lines = computer.flash.files.get(command.text("name"), "").split("\n")
    at = command.i32("lineNum")
    text = lines[at - 1] if 1 <= at <= len(lines) else ""
    computer.ram.info = {"line": text}
    return computer.debug(text)


def delete_line(computer: Computer, command: Command) -> Work:
    """208: delete a line."""
    return edit(computer, command.text("name"), without(command.i32("lineNum")))


Edit = Callable[[list[str]], list[str]]


def edit(computer: Computer, name: str, change: Edit) -> Work:
    """Change the lines of a file, and print it before and after."""
    yield from show(computer, name)
    files = computer.flash.files
    if name in files:
        files[name] = "\n".join(change(files[name].split("\n")))
        yield from show(computer, name)


def inserted(at: int, text: str) -> Edit:
    """Return the edit that puts a line before line `at`, counted from 1."""
    return lambda lines: [*lines[: at - 1], text, *lines[at - 1 :]] if at >= 1 else lines


def replaced(at: int, text: str) -> Edit:
    """Return the edit that gives line `at` another text."""
    return lambda lines: [text if number == at else line for number, line in enumerate(lines, 1)]


def without(at: int) -> Edit:
    """Return the edit that deletes line `at`."""
    return lambda lines: [line for number, line in enumerate(lines, 1) if number != at]


def show(computer: Computer, name: str) -> Work:
    """Print a file with numbered lines."""
    text = computer.flash.files.get(name)
    if text is None:
        yield from computer.say(NOT_FOUND)
        return
    computer.ram.info = {"file": name}
    numbered = "\n".join(f"[lineNum: {number}] {line}" for number, line in enumerate(text.split("\n"), 1))
    yield from computer.say(f"---=== {name} ===---\n{numbered}")


COMMANDS = {
    200: list_files, 201: create, 202: read, 203: delete, 204: append, 205: insert, 206: replace, 207: read_line,
    208: delete_line,
}  # fmt: skip
