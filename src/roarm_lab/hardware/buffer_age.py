"""Whether what a cable gives has just arrived, or lay in the computer's buffers while this program was away."""

BYTE_S = 10 / 115200
"""One byte on the wire: eight bits, a start and a stop bit."""
AWAY_S = 0.2
"""Had the program been away longer than this, what lies in the buffers could be old and look new: it tells no pose
then. The first of a serial port's buffers holds 0.36 s at this rate, those behind it many seconds more."""
DRAINED_S = 0.05
"""The buffers are empty again when, over so long, no more came than a wire can carry. They empty a hundred times as
fast; an older firmware fills the whole wire, so that there is no pause in which to notice it."""
WIRE_SLACK = 2.0


class Backlog:
    """Watches the reads of one connection."""

    def __init__(self, now_s: float) -> None:
        self.stale = False
        """Whether what was read last may be old."""
        self.read_at_s = now_s
        """When something was read last, or nothing came."""
        self._since_s, self._bytes = now_s, 0

    def read(self, count: int, now_s: float) -> None:
        """Note that a read has ended at a time [s] with so many bytes; reads follow each other at once."""
        away, self.read_at_s = now_s - self.read_at_s > AWAY_S, now_s
        if away:
            self.stale, self._since_s, self._bytes = True, now_s, 0
            return
        self._bytes += count
        passed_s = now_s - self._since_s
        if self.stale and passed_s >= DRAINED_S:
            self.stale = self._bytes * BYTE_S > WIRE_SLACK * passed_s
            self._since_s, self._bytes = now_s, 0
