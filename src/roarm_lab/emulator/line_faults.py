"""Breaking lines on their way: garbled, cut short, dropped, or led by a stray one."""

from random import Random

from roarm_lab.emulator.faults import Faults

LINE_END = b"\r\n"
STRAY = b"?\x7f?\r\n"
"""Noise with an end: no line of the arm, and no part of one."""
NOISE = b"\x0b\x00\x7f\xff?"
"""Bytes that garbling puts in; 0x0B in place of a comma was seen by a user."""


class LineFaults:
    """Draws which lines are hit. The same seed and the same lines give the same faults."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 (nothing secret)

    def sent(self, line: bytes, faults: Faults) -> bytes:
        """Return what of an outgoing line, with its line end, gets onto the wire."""
        if self._hit(faults.dropped_share):
            return b""
        if self._hit(faults.garbled_share):
            line = self._garbled(line)
        if self._hit(faults.half_line_share):
            line = line[: max(len(line) // 2, 1)]
        return STRAY + line if self._hit(faults.stray_line_share) else line

    def received(self, line: bytes, faults: Faults) -> bytes:
        """Return what of an incoming line, without its line end, the firmware gets to read."""
        return self._garbled(line) if self._hit(faults.garbled_command_share) else line

    def _hit(self, share: float) -> bool:
        return share > 0.0 and self._random.random() < share

    def _garbled(self, line: bytes) -> bytes:
        body = len(line.rstrip(LINE_END))
        if not body:
            return line
        at = self._random.randrange(body)
        noise = self._random.choice([byte for byte in NOISE if byte != line[at]])
        return line[:at] + bytes([noise]) + line[at + 1 :]
