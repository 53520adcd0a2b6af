"""Commands about missions (`T` 220 to 242): files of commands, one per line after a first line that says what for."""

from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.emulator.file_commands import Edit, edit, inserted, replaced, show, without
from roarm_lab.emulator.json_text import Command, object_text

BOOT_MISSION = "boot"
BETWEEN_STEPS_S = 0.001
Plan = list[Command]


def file_of(mission: str) -> str:
    """Return the file name of a mission."""
    return f"{mission}.mission"


def create(computer: Computer, command: Command) -> None:
    """220: an empty mission."""
    make(computer, command.text("name"), command.text("intro"))


def make(computer: Computer, name: str, intro: str) -> None:
    """Write an empty mission."""
    computer.flash.files[file_of(name)] = object_text({"name": name, "intro": intro})


def read(computer: Computer, command: Command) -> Work:
    """221: print a mission."""
    return listing(computer, file_of(command.text("name")))


def listing(computer: Computer, file: str) -> Work:
    """Print a mission's file."""
    return show(computer, file)


def append_json(computer: Computer, command: Command) -> Work:
    """222: a step given as text."""
    return _edit(computer, command, _appended(command.text("step")))


def append_pose(computer: Computer, command: Command) -> Work:
    """223: the present pose as a step."""
    yield from _measure(computer)
    yield from _edit(computer, command, _appended(_pose_step(computer, command)))


def append_delay(computer: Computer, command: Command) -> Work:
    """224: a wait."""
    return _edit(computer, command, _appended(_delay_step(command.i32("delay"))))


def insert_json(computer: Computer, command: Command) -> Work:
    """225: a step given as text, before step `stepNum`."""
    return _edit(computer, command, inserted(_line(command), command.text("step")))


def insert_pose(computer: Computer, command: Command) -> Work:
    """226: the present pose before step `stepNum`."""
    yield from _measure(computer)
    yield from _edit(computer, command, inserted(_line(command), _pose_step(computer, command)))


def insert_delay(computer: Computer, command: Command) -> Work:
    """227: a wait before step `stepNum`. It reads `spd` where `delay` is documented, so that form waits 0 ms."""
    return _edit(computer, command, inserted(_line(command), _delay_step(command.i32("spd"))))


def replace_json(computer: Computer, command: Command) -> Work:
    """228: another text for a step."""
    return _edit(computer, command, replaced(_line(command), command.text("step")))


def replace_pose(computer: Computer, command: Command) -> Work:
    """229: the present pose in place of a step."""
    yield from _measure(computer)
    yield from _edit(computer, command, replaced(_line(command), _pose_step(computer, command)))


def replace_delay(computer: Computer, command: Command) -> Work:
    """230: a wait in place of a step."""
    return _edit(computer, command, replaced(_line(command), _delay_step(command.i32("delay"))))


def delete_step(computer: Computer, command: Command) -> Work:
    """231: delete a step."""
    return _edit(computer, command, without(_line(command)))


def steps_of(computer: Computer, mission: str) -> list[str]:
    """Return the steps of a mission, without its first line; none when there is no such mission."""
    return computer.flash.files.get(file_of(mission), "").split("\n")[1:]


def _edit(computer: Computer, command: Command, change: Edit) -> Work:
    return edit(computer, file_of(command.text("name")), change)


def _appended(text: str) -> Edit:
    return lambda lines: [*lines, text]


def _line(command: Command) -> int:
    """Return the line of a step; the first line of the file is no step."""
    return command.i32("stepNum") + 1


def _measure(computer: Computer) -> Work:
    yield from computer.read_servos()
    yield from computer.say_feedback()


def _pose_step(computer: Computer, command: Command) -> str:
    """Return the step that goes to the present pose. Roll and gripper are not in it, so replaying sets both to 0."""
    pose = computer.ram.pose
    step = {"T": 104, "x": pose.x_mm, "y": pose.y_mm, "z": pose.z_mm, "t": pose.pitch_rad}
    return object_text(step | {"spd": command.real("spd")})


def _delay_step(milliseconds: int) -> str:
    return object_text({"T": 111, "cmd": milliseconds})


COMMANDS = {
    220: create, 221: read, 222: append_json, 223: append_pose, 224: append_delay, 225: insert_json, 226: insert_pose,
    227: insert_delay, 228: replace_json, 229: replace_pose, 230: replace_delay, 231: delete_step,
}  # fmt: skip
