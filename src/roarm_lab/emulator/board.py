"""The whole arm at the end of its cables: bytes, time and modem lines in; bytes, pages and motion out."""

from dataclasses import replace
from math import inf, isfinite

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.emulator.computer import QUEUE_FULL, Computer, HttpReply, Restart, Work
from roarm_lab.emulator.faults import Faults
from roarm_lab.emulator.firmware import Firmware
from roarm_lab.emulator.line_faults import LineFaults
from roarm_lab.emulator.memory import Flash, Ram
from roarm_lab.emulator.program import BROWN_OUT, POWER_ON, SOFTWARE, boot, bootloader, loop
from roarm_lab.emulator.servo import Servo
from roarm_lab.emulator.servo_bus import ServoBus
from roarm_lab.emulator.uart import Uart
from roarm_lab.emulator.world import PHYSICS_DT_S, ServoWorld

RESET_RISE_S = 0.002
"""The reset line rises this slowly, so the line that selects the boot is looked at a moment later."""
MOST_BOOT_S = 60.0


class Board:
    """An ESP32 with seven bus servos, pretended. It knows no wall clock: `advance` says what time it is.

    The same calls with the same times give the same bytes. Power is switched on at the first `advance`, with a boot in
    which the arm moves. Servo registers, files and stored settings survive a reset; all else is lost.
    """

    def __init__(
        self,
        firmware: Firmware,
        world: ServoWorld | None = None,
        *,
        baud: int = 115200,
        faults: Faults | None = None,
    ) -> None:
        """Put the arm down, without power.

        Args:
            firmware: `FW25` or `FW26`.
            world: Its body and its table; folded on an empty table unless given.
            baud: Speed of the serial line; users have reflashed to 1 000 000.
            faults: What is wrong with it; may be changed while it runs.

        Raises:
            BadInputError: The speed of the line is not positive.
        """
        if not 0 < baud <= 10_000_000:
            raise BadInputError(f"baud must be 1 to 10000000, got {baud}.")
        self.firmware = firmware
        self.world = world or ServoWorld()
        self.flash = Flash()
        self.resets = 0
        """How often the computer has started."""
        self._uart = Uart(baud)
        self._bus = ServoBus(self.world)
        self.faults = faults or Faults()
        self._line_faults = LineFaults(self.faults.seed)
        self._origin_s: float | None = None
        self._now_s = 0.0
        self._world_began = self.world.steps
        self._wake_s = 0.0
        self._next_stall_s = 0.0
        self._in_reset = self._boot_selected = False
        self._reason = POWER_ON
        self._computer = self._new_computer()
        self._work: Work | None = None

    @property
    def faults(self) -> Faults:
        """What is wrong now. Assign another value to switch."""
        return self.world.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.world.faults = faults

    @property
    def ready(self) -> bool:
        """Whether the boot is over."""
        return self._computer.ready

    @property
    def now_s(self) -> float:
        """Seconds since the power was switched on."""
        return self._now_s

    @property
    def ram(self) -> Ram:
        """The firmware's working memory, for tests to look into."""
        return self._computer.ram

    @property
    def servos(self) -> dict[int, Servo]:
        """The servos' registers, by id, for tests to look into."""
        return self.world.servos

    @property
    def joint_pos(self) -> Float64:
        """True joint angles [joint] rad, in the order and signs of this project."""
        return self.world.joint_pos

    def receive(self, data: bytes) -> None:
        """Put bytes on the arm's receiving line now; they take their time."""
        if not self._in_reset:
            self._uart.receive(data, self._now_s)

    def advance(self, now_s: float) -> None:
        """Run firmware, servos and physics up to a time [s] of the caller's clock. Going back does nothing.

        Raises:
            BadInputError: The time is not finite.
        """
        if not isfinite(now_s):
            raise BadInputError(f"now_s must be finite, got {now_s}.")
        if self._origin_s is None:
            self._origin_s = now_s - self._now_s
        until_s = now_s - self._origin_s
        while True:
            tick_s = (self.world.steps - self._world_began + 1) * PHYSICS_DT_S
            if min(tick_s, self._wake_s) > until_s:
                break
            if tick_s <= self._wake_s:
                self._step_world(tick_s)
            else:
                self._run_firmware()
        self._now_s = max(until_s, self._now_s)

    def take_output(self) -> bytes:
        """Return the bytes that have fully left the arm's sending line by now, each once."""
        return self._uart.take(self._now_s)

    def set_lines(self, *, dtr: bool, rts: bool) -> None:
        """Set the modem lines, true is asserted. RTS alone holds the computer in reset; DTR alone selects its loader.

        As two transistors on such boards wire it: with both asserted, or neither, nothing happens.
        """
        held, self._boot_selected = rts and not dtr, dtr and not rts
        if held and not self._in_reset:
            self._uart.reset(self._now_s)
            self._work, self._wake_s = None, inf
            self._computer = self._new_computer()
        if self._in_reset and not held:
            self._reason, self._wake_s = POWER_ON, self._now_s + RESET_RISE_S
        self._in_reset = held

    def http(self, query_json: str) -> HttpReply:
        """Ask `GET /js?json=...`. The reply is complete once its `done` is true, which time must pass for.

        The older firmware answers after the command has run; the newer one at once, that it is queued or that the queue
        is full. An arm that boots or hangs does not answer.
        """
        reply = HttpReply()
        if not self.firmware.http_executes and self.ready:
            fits = self._computer.enqueue(query_json)
            reply.answer('{"ok":1}' if fits else QUEUE_FULL, "application/json")
        elif self.ready:
            self._computer.requests.append((query_json, reply))
        return reply

    def hear_leader(self, wire_joints: tuple[float, ...], mac: str = "AA:BB:CC:DD:EE:FF") -> None:
        """Let another arm lead this one by radio: six angles on the wire, heard by whoever is in range."""
        if self.ready:
            self._computer.heard.append((mac, wire_joints))

    def websocket_messages(self) -> list[str]:
        """Return the messages for WebSocket clients since the last call; the older firmware has none."""
        messages = list(self._computer.messages)
        self._computer.messages.clear()
        return messages

    def boot(self) -> None:
        """Let time pass until the boot is over, for tests and for those in a hurry.

        Raises:
            BadInputError: It is not over after a minute: something is wrong with the arm.
        """
        until_s = self._now_s + MOST_BOOT_S
        while not self.ready:
            if self._now_s > until_s:
                raise BadInputError(f"The emulated arm is still booting after {MOST_BOOT_S:g} s. Is a joint blocked?")
            self.run(0.1)

    def run(self, duration_s: float) -> bytes:
        """Let a time pass [s] and return the bytes sent in it."""
        if self._origin_s is None:
            self.advance(0.0)
        self.advance((self._origin_s or 0.0) + self._now_s + duration_s)
        return self.take_output()

    def _new_computer(self) -> Computer:
        return Computer(self.firmware, self._bus, self._uart, self.flash, self._line_faults)

    def _restart(self, reason: str, now_s: float) -> None:
        self._uart.reset(now_s)
        self._computer = self._new_computer()
        self._reason, self._work, self._wake_s = reason, None, now_s

    def _step_world(self, now_s: float) -> None:
        self.world.step()
        self._computer.now_s = now_s
        self._computer.poll_reader()
        if self.faults.brown_out_in_motion and any(servo.moving for servo in self.servos.values()):
            self.faults = replace(self.faults, brown_out_in_motion=False)
            self._restart(BROWN_OUT, now_s)

    def _run_firmware(self) -> None:
        """Resume the program, and note when it wants to go on."""
        now_s = self._computer.now_s = self._wake_s
        faults = self.faults
        if faults.stall_every_s and now_s >= self._next_stall_s:
            self._next_stall_s = now_s + max(faults.stall_every_s, faults.stall_s)
            self._wake_s = now_s + faults.stall_s
            return
        if self._work is None:
            self.resets += 1
            self._work = self._program()
        try:
            self._wake_s = now_s + next(self._work)
        except Restart:
            self._restart(SOFTWARE, now_s)

    def _program(self) -> Work:
        if self._boot_selected:
            yield from bootloader(self._computer, self._reason)
        yield from boot(self._computer, self._reason)
        yield from loop(self._computer)
