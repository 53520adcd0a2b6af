"""The command table: which code is which, and how a mission runs commands of its own."""

from collections.abc import Callable

from roarm_lab.emulator import (
    board_commands,
    file_commands,
    mission_commands,
    motion_commands,
    network_commands,
    servo_commands,
)
from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.emulator.json_text import Command, object_text

Handler = Callable[[Computer, Command], Work | None]


def execute(computer: Computer, command: Command) -> Work:
    """Run one command. An unknown code does nothing, and no code is acknowledged."""
    handler = COMMANDS.get(command.code)
    work = handler(computer, command) if handler else None
    if work is not None:
        yield from work


def execute_line(computer: Computer, line: str) -> Work:
    """Run a received line; what does not parse does nothing."""
    command = computer.understood(line)
    if command is None:
        return
    if computer.firmware.echoes_in_debug:
        yield from computer.debug(object_text(command.members))
    yield from execute(computer, command)


def run_step(computer: Computer, command: Command) -> Work:
    """241: one step of a mission."""
    steps = mission_commands.steps_of(computer, command.text("name"))
    at = command.i32("stepNum")
    if 1 <= at <= len(steps):
        yield from execute_line(computer, steps[at - 1])


def play(computer: Computer, command: Command) -> Work:
    """242: a mission, as often as told; -1 is endless."""
    return play_mission(computer, command.text("name"), command.i32("times"))


def play_mission(computer: Computer, name: str, times: int) -> Work:
    """List a mission, then run it. In the older firmware any received byte ends it between steps."""
    yield from mission_commands.listing(computer, mission_commands.file_of(name))
    left = times
    while left:
        yield mission_commands.BETWEEN_STEPS_S
        for step in mission_commands.steps_of(computer, name):
            if not computer.firmware.queued and computer.uart.waiting(computer.now_s):
                return
            yield from execute_line(computer, step)
        if not computer.firmware.queued and computer.uart.waiting(computer.now_s):
            return
        left -= left > 0


COMMANDS: dict[int, Handler] = {
    **motion_commands.COMMANDS,
    **servo_commands.COMMANDS,
    **board_commands.COMMANDS,
    **file_commands.COMMANDS,
    **mission_commands.COMMANDS,
    **network_commands.COMMANDS,
    241: run_step,
    242: play,
}
