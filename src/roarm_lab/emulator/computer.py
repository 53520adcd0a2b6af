"""The ESP32 as its programs see it: what they can print, read, drive and wait for.

A program is a generator that yields how long it is busy [s]; the board lets that time pass and resumes it. So a
command that blocks on the arm blocks here, and costs nothing to write.
"""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

from roarm_lab.emulator.feedback import feedback, goals, goals_of, joints_of, pose_of
from roarm_lab.emulator.firmware import Firmware
from roarm_lab.emulator.json_text import Command, object_text, parsed
from roarm_lab.emulator.line_faults import LINE_END, LineFaults
from roarm_lab.emulator.memory import READ_ORDER, Flash, Ram
from roarm_lab.emulator.servo_bus import FAILED_READ_S, READ_S, WRITE_S, Reading, ServoBus
from roarm_lab.emulator.uart import Uart

Work: TypeAlias = Generator[float, None, None]
"""Yields seconds of being busy."""
QUEUE_FULL = '{"error":"Queue full"}'
EMERGENCY_TEXT = '"T":0'
"""The newer firmware's reader acts on this very text, before anything is parsed."""
MESSAGES_KEPT = 20


@dataclass
class HttpReply:
    """The answer to one request. It is there as soon as `done` is true; an arm that hangs never answers."""

    done: bool = False
    content_type: str = "application/json"
    body: str = ""

    def answer(self, body: str, content_type: str) -> None:
        """Fill it in."""
        self.body, self.content_type, self.done = body, content_type, True


class Restart(Exception):  # noqa: N818 (a request, not an error)
    """A program asks for a reset of the computer."""


class Computer:
    """One run of the computer, from reset to reset."""

    def __init__(self, firmware: Firmware, bus: ServoBus, uart: Uart, flash: Flash, line_faults: LineFaults) -> None:
        self.firmware, self.bus, self.uart, self.flash = firmware, bus, uart, flash
        self.ram = Ram(firmware)
        self.now_s = 0.0
        self.ready = False
        """The boot is over."""
        self.requests: deque[tuple[str, HttpReply]] = deque()
        self.messages: deque[str] = deque(maxlen=MESSAGES_KEPT)
        """For WebSocket clients."""
        self._line_faults = line_faults

    @property
    def supply_v(self) -> float:
        """The supply voltage; without power on the bus it measures none."""
        faults = self.bus.world.faults
        return 0.0 if faults.bus_unpowered else faults.supply_v

    def say(self, text: str) -> Work:
        """Print lines and wait until they fit the sending buffer."""
        for line in text.split("\n"):
            yield from self.write(line.encode() + LINE_END)

    def write(self, data: bytes) -> Work:
        """Print bytes as they are."""
        yield self.uart.send(self._line_faults.sent(data, self.bus.world.faults), self.now_s)

    def debug(self, text: str) -> Work:
        """Print lines if info print is 1."""
        if self.ram.info_print == 1:
            yield from self.say(text)

    def say_feedback(self) -> Work:
        """Print the feedback line and keep it as the answer to an HTTP request."""
        members = self.feedback()
        self.ram.info = members
        yield from self.say(object_text(members))

    def feedback(self) -> dict[str, Any]:
        """Return the members of the feedback line from the last readings."""
        return feedback(self.firmware, self.ram.readings, self.ram.load_13, self.supply_v)

    def read_servos(self) -> Work:
        """Read the six servos that every loop reads. A failed read leaves old values, in part (see the firmwares)."""
        for servo in READ_ORDER:
            found = self.bus.read(servo)
            old = self.ram.readings[servo]
            if found is None:
                keeps = not self.firmware.failed_read_clears_switch
                found = old if keeps else Reading(old.position, old.load, 0.0, torque_on=False)
                yield FAILED_READ_S
            else:
                yield READ_S
            self.ram.readings[servo] = found
        self.ram.wire_joints = joints_of(self.ram.readings)
        self.ram.pose = pose_of(self.ram.wire_joints)

    def drive(self, wire_joints: tuple[float, ...], speed: int, acc: int) -> Work:
        """Send all seven servos to six angles on the wire in one write."""
        for servo, goal in goals(self.firmware, wire_joints).items():
            self.bus.write_goal(servo, goal, speed, acc)
        yield WRITE_S

    def drive_joint(self, joint: int, angle_rad: float, speed: int, acc: int) -> Work:
        """Send the servos of one joint (0 base to 5 gripper) to an angle on the wire."""
        for servo, goal in goals_of(self.firmware, joint, angle_rad).items():
            self.bus.write_goal(servo, goal, speed, acc)
        yield WRITE_S

    def lines_received(self) -> list[str]:
        """Return the lines that have arrived completely, without their ends, and keep the rest."""
        lines: list[str] = []
        for byte in self.uart.read(self.now_s):
            if byte != ord("\n"):
                self.ram.line += chr(byte)
                continue
            line = self._line_faults.received(self.ram.line.encode("latin-1"), self.bus.world.faults)
            lines.append(line.decode("utf-8", errors="replace"))
            self.ram.line = ""
        return lines

    def understood(self, line: str) -> Command | None:
        """Return the command in a line, or None when it does not parse."""
        cut = line[: self.firmware.line_chars] if self.firmware.line_chars else line
        members = parsed(cut, self.firmware.json_bytes)
        return None if members is None else Command(members)

    def enqueue(self, line: str) -> bool:
        """Put a line into the newer firmware's queue, or act on an emergency at once; false when the queue is full."""
        if EMERGENCY_TEXT in line:
            self.stop()
            return True
        command = self.understood(line)
        if command is None:
            return True
        if len(self.ram.queue) >= self.firmware.queue_depth:
            return False
        self.ram.queue.append(command)
        return True

    def stop(self) -> None:
        """Set the flag that ends interpolated motion, and forget what is queued."""
        self.ram.stopped = True
        self.ram.queue.clear()

    def poll_reader(self) -> None:
        """Let the newer firmware's reader task take what has arrived; it runs beside the main loop."""
        if not (self.firmware.queued and self.ready):
            return
        for line in self.lines_received():
            if not self.enqueue(line):
                self.uart.send(QUEUE_FULL.encode() + LINE_END, self.now_s)
