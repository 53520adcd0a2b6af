"""What an arm says when somebody listens: lines, silence, damage, counted. Nothing that is sent moves the arm."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roarm_lab.core.json_objects import finite_number
from roarm_lab.hardware import protocol
from roarm_lab.hardware.link import Address, Link, LinkError, SharedPortError
from roarm_lab.hardware.port_sharing import others_at
from roarm_lab.hardware.protocol import Feedback, Firmware, LineReader, Skipped, Unmeasured
from roarm_lab.hardware.roarm_m3 import open_link
from roarm_lab.hardware.serial_link import SerialLink

LISTEN_S = 0.5
"""The older firmware streams about 25 lines in that time unasked."""
DRAIN_S = 0.3
"""What an arm had begun to say before it was told to be quiet."""
QUESTIONS, ANSWER_S = 10, 0.3
STREAM_S = 1.5
"""About 50 lines of the newer firmware, 80 of the older one."""
MESSAGES_S = 3.0
"""Over its Wi-Fi the newer firmware tells its pose once a second."""
OTHER_BAUDS = (1_000_000,)
"""Rates to which people have changed the firmware."""
QUIET_S = 0.02
BOOT_S, SILENT_S, STRANGER_S = 25.0, 10.0, 1.0
"""How long to wait for an arm that says that it is starting, for one that says nothing, and where something talks."""
QUOTES = 10
"""A feedback line has more than 30; no other line of the firmware has so many."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was heard on one connection."""

    address: str
    seconds: float = 0.0
    """How long somebody listened."""
    bytes_in: int = 0
    unreadable: int = 0
    """Bytes that are no text."""
    unasked: int = 0
    """Feedback lines before anything was sent."""
    after_quiet: int = 0
    """Feedback lines that came although the arm had been told to be quiet."""
    asked: int = 0
    answered: int = 0
    streamed_per_s: float | None = None
    """Feedback lines per second while it was told to stream; None where it was not."""
    feedback: tuple[Feedback, ...] = ()
    shoulder_load: float | None = None
    """`tS` of the last line [0.1 % of full drive]: load of servo 12 less the one that 13 had at the boot."""
    unmeasured: tuple[Unmeasured, ...] = ()
    """Lines that say that there is no pose, and why."""
    damaged: tuple[str, ...] = ()
    """Lines that were feedback once."""
    texts: tuple[str, ...] = ()
    """Other lines."""
    other_baud: int = 0
    """Another rate at which the arm does answer; 0 for none."""
    broke: str = ""
    """Why the connection broke meanwhile; empty when it did not."""
    shared: bool = False
    """Whether it broke because somebody else took bytes that were there."""
    others: tuple[str, ...] = ()
    """Other programs that have the port open, where this computer tells."""

    @property
    def lines(self) -> int:
        """How many lines were an arm's feedback, damaged ones included."""
        return len(self.feedback) + len(self.unmeasured) + len(self.damaged)

    @property
    def understood(self) -> int:
        """How many lines were an arm's feedback and whole."""
        return len(self.feedback) + len(self.unmeasured)

    @property
    def firmware(self) -> Firmware | None:
        """Which firmware answers; None when nobody can tell."""
        known = [line.firmware for line in (*self.feedback, *self.unmeasured) if line.firmware]
        return known[-1] if known else None


def listen(address: str) -> Evidence:
    """Return what the arm at an address says, within about five seconds, or when it has started. It is not moved.

    Raises:
        BadInputError: It is no address, or several ports could be meant.
        LinkError: The connection does not open.
    """
    link = open_link(address)
    ear, counts = _Ear(link), dict[str, Any]()
    try:
        if address.startswith("http") and not link.polled:
            counts["streamed_per_s"] = ear.hear(MESSAGES_S) / MESSAGES_S
        else:
            _converse(link, ear, counts)
    except LinkError as error:
        counts["broke"], counts["shared"] = str(error), isinstance(error, SharedPortError)
    finally:
        link.close()
    if Address.parse(address).kind == "serial":
        counts["others"] = others_at(link.name)
    if not ear.feedback and not ear.unmeasured and not counts.get("broke"):
        counts["other_baud"] = _other_baud(address, link)
    return ear.evidence(address, counts)


def _converse(link: Link, ear: "_Ear", counts: dict[str, Any]) -> None:
    """Listen, ask for quiet, ask questions, and let it stream, as far as it answers."""
    counts["unasked"] = ear.hear(LISTEN_S)
    link.write(b"\n" + protocol.info_print(stream=False))
    ear.hear(DRAIN_S)
    counts["asked"] = _wait_for_start(link, ear)
    counts["answered"] = 0
    if not ear.understood:
        return
    counts["after_quiet"] = 0 if link.polled else ear.hear(LISTEN_S)
    counts["asked"] = 0
    for _ in range(QUESTIONS):
        link.write(protocol.ask_feedback())
        counts["asked"] += 1
        counts["answered"] += min(ear.hear(ANSWER_S, lines=1), 1)
    if not link.polled and counts["answered"]:
        link.write(protocol.info_print(stream=True))
        counts["streamed_per_s"] = ear.hear(STREAM_S) / STREAM_S
        link.write(protocol.info_print(stream=False))


def _wait_for_start(link: Link, ear: "_Ear") -> int:
    """Return when an arm that is starting has started; soon where something else talks. Returns how often it asked."""
    began_s, asked = time.monotonic(), 0
    while not ear.understood:
        link.write(b"\n" + protocol.info_print(stream=False) + protocol.ask_feedback())
        asked += 1
        heard = ear.hear(ANSWER_S, lines=1)
        waits_s = BOOT_S if ear.boots else SILENT_S if ear.silent else STRANGER_S
        if heard or time.monotonic() - began_s >= waits_s:
            break
    for _ in range(asked):  # a starting arm answers all the questions when it has started
        if not ear.hear(DRAIN_S):
            break
    return asked


def _other_baud(address: str, link: Link) -> int:
    """Return another rate at which an arm answers on this port; 0 when none."""
    if Address.parse(address).kind != "serial":
        return 0
    for baud in OTHER_BAUDS:
        try:
            other = SerialLink(link.name, baud=baud)
        except LinkError:
            return 0
        try:
            ear = _Ear(other)
            other.write(b"\n" + protocol.info_print(stream=False))
            ear.hear(DRAIN_S)
            for _ in range(3):
                other.write(protocol.ask_feedback())
                ear.hear(ANSWER_S, lines=1)
        except LinkError:
            return 0
        finally:
            other.close()
        if ear.feedback or ear.unmeasured:
            return baud
    return 0


class _Ear:
    """Sorts what comes."""

    def __init__(self, link: Link) -> None:
        self._link, self._reader, self._began_s = link, LineReader(), time.monotonic()
        self.feedback = list[Feedback]()
        self.unmeasured = list[Unmeasured]()
        self._damaged, self._texts = list[str](), list[str]()
        self._bytes = self._unreadable = self._lines = 0
        self._shoulder_load: float | None = None

    def hear(self, seconds: float, lines: int = 0) -> int:
        """Listen for a time, or until so many feedback lines came; return how many came."""
        before, end_s = self._count(), time.monotonic() + seconds
        while time.monotonic() < end_s and not (lines and self._count() - before >= lines):
            data = self._link.read(QUIET_S)
            if not data:
                time.sleep(0.001)  # a link that is asked line by line does not wait
            self._bytes += len(data)
            self._unreadable += sum(byte < 9 or 13 < byte < 32 or byte > 126 for byte in data)
            for line in self._reader.feed(data):
                self._sort(line, first=self._lines == 0)
                self._lines += 1
        return self._count() - before

    @property
    def understood(self) -> bool:
        """Whether a line was an arm's feedback."""
        return self._count() > 0

    @property
    def silent(self) -> bool:
        """Whether not a byte has come."""
        return self._bytes == 0

    @property
    def boots(self) -> bool:
        """Whether what came is what a starting arm says."""
        return any(protocol.is_boot_text(text) for text in self._texts)

    def evidence(self, address: str, counts: Mapping[str, Any]) -> Evidence:
        """Return all that was heard."""
        return Evidence(
            address=address,
            seconds=time.monotonic() - self._began_s,
            bytes_in=self._bytes,
            unreadable=self._unreadable,
            feedback=tuple(self.feedback),
            unmeasured=tuple(self.unmeasured),
            damaged=tuple(self._damaged),
            texts=tuple(self._texts),
            shoulder_load=self._shoulder_load,
            **counts,
        )

    def _count(self) -> int:
        return len(self.feedback) + len(self.unmeasured)

    def _sort(self, line: bytes, *, first: bool) -> None:
        parsed = protocol.parse_line(line)
        if isinstance(parsed, Feedback):
            self.feedback.append(parsed)
            self._shoulder_load = finite_number(json.loads(line.decode(errors="replace")).get("tS"))
        elif isinstance(parsed, Unmeasured):
            self.unmeasured.append(parsed)
        elif _was_feedback(parsed, line):
            if first and not line.startswith(b"{"):
                return  # the port was opened in the middle of a line
            self._damaged.append(parsed.text or parsed.why)
        else:
            self._texts.append(parsed.text)


def _was_feedback(skipped: Skipped, line: bytes) -> bool:
    """Whether a line was feedback before it was damaged, rather than something else that an arm says."""
    if skipped.kind == "message":
        return False
    return skipped.kind == "damaged" or line.count(b'"') >= QUOTES or line == b"}"
