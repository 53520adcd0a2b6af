"""The one thread that talks to the arm: drains what comes, keeps the newest reading, sends the newest target.

Everybody else reads and posts without waiting. Targets are sent one per feedback line: the newer firmware executes one
command per turn of its loop and queues 50, so a faster sender would drive an arm that lags by seconds. When the
connection breaks, the thread opens it again, each time a little later, and counts an *interruption*: from then on it
refuses targets until somebody says `resume`, because the arm may have restarted and moved meanwhile.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from roarm_lab.core.clock import Clock
from roarm_lab.core.errors import RoarmLabError
from roarm_lab.hardware import protocol
from roarm_lab.hardware.buffer_age import BYTE_S, Backlog
from roarm_lab.hardware.link import Link
from roarm_lab.hardware.protocol import Feedback, Firmware, LineReader, Skipped, Unmeasured
from roarm_lab.robots.arm import ArmSample

BUS_READ_S = 0.008
"""What the firmware takes to read six servos before it prints a line."""
WAIT_S = 0.01
"""Longest wait for a byte: a target that is posted meanwhile waits that long at most."""
INTERRUPTED_AFTER = 1.5
"""After so many times the silence that a link calls silent, the arm may have restarted unheard."""
ANSWER_S = 0.5
LATE_S = 0.3
"""How long to listen for an answer, and after that how long to wait for it to come late before asking again: an answer
to an old question must not be taken for one to a new question."""
TARGET_S = 0.2
"""A target that could not be sent in this time is dropped."""
BELIEVED = 2
"""So many lines in a row must say that there is no pose: a single one may be a servo that missed one question, or a
damaged byte. Until then the last pose stands and grows older."""
DOUBT_S = 0.1
"""When the last pose is as old as this, a single such line counts: servos that do not answer make lines rare."""
PACE_S = 0.1
"""While no feedback comes, targets are sent at most this often."""
PAUSE_S = 0.2
"""A wait for a byte that takes longer was paused, with the whole program."""
REPEAT_S, REPEATS = 0.1, 3
"""The last target is sent again so often, so many times: commands are not acknowledged and have no checksum, and one
that was damaged on its way would otherwise be what the arm goes on doing."""
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.2, 2.0

Judge = Callable[[Feedback, float], ArmSample | None]
"""Turns a feedback line and its time into a reading; None leaves the last one. Raises `OutOfSightError` when the line
shows that the arm was out of sight."""


class OutOfSightError(RoarmLabError):
    """The arm may be elsewhere than its readings said: what was sent last does not count any more."""


@dataclass(frozen=True)
class Counts:
    """What happened on the connection so far."""

    bytes_in: int = 0
    feedback: int = 0
    skipped: int = 0
    """Lines that were no feedback: text, damaged ones."""
    sent: int = 0
    """Targets that were sent."""
    dropped: int = 0
    """Targets that grew too old before they could be sent, or were posted across an interruption."""
    discarded: int = 0
    """Feedback lines that were not used because they could have been old."""
    interruptions: int = 0


class IoThread:
    """Owns the connection. `newest`, `post` and `order` may be called from any thread and never wait for the wire."""

    def __init__(
        self,
        open_link: Callable[[bool], Link],
        clock: Clock,
        judge: Judge,
        forget: Callable[[], None],
        *,
        reset: bool = False,
        background: bool = True,
    ) -> None:
        """Open the connection and start.

        Args:
            open_link: Opens it; called with True when the firmware shall start anew.
            clock: What readings are stamped with.
            judge: Called by the thread for every feedback line.
            forget: Called by the thread when the connection was interrupted.
            reset: Start the firmware anew right away.
            background: Run in a thread; without one, whoever makes the clock's time pass calls `turn` meanwhile.

        Raises:
            LinkError: It does not open.
        """
        self._open_link = open_link
        self._clock = clock
        self._judge = judge
        self._forget = forget
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._reset = False
        self._newest = ArmSample.failed(clock.now_s(), "the arm has not said anything yet")
        self._feedback: Feedback | Unmeasured | None = None
        self._target: tuple[bytes, float] | None = None
        self._last = b""
        self._repeats = 0
        self._orders: deque[bytes] = deque()
        self._counts = Counts()
        self._interruption = ""
        self._doubts = 0
        self._doubt: ArmSample | None = None
        self._heard: deque[str] = deque(maxlen=8)
        self._looked_at_s = clock.now_s()  # when the thread last began to wait for a byte
        link = open_link(reset)
        self._silent_s = link.silent_s
        self._thread = threading.Thread(target=self._run, args=(link,), name="roarm-io", daemon=True)
        self._here = None if background else self._begin(link)
        if background:
            self._thread.start()

    @property
    def counts(self) -> Counts:
        """What happened so far."""
        return self._counts

    @property
    def interruption(self) -> str:
        """Why targets are refused until `resume`; empty when they are not."""
        return self._interruption

    @property
    def feedback(self) -> Feedback | Unmeasured | None:
        """The newest feedback line as it came, believed or not; None before the first and after an interruption."""
        return self._feedback

    @property
    def firmware(self) -> Firmware | None:
        """Which firmware answers; None until it does."""
        return None if self._feedback is None else self._feedback.firmware

    @property
    def heard(self) -> tuple[str, ...]:
        """The last few lines that were no feedback."""
        return tuple(self._heard)

    def newest(self) -> ArmSample:
        """Return the newest reading; a failed one when it is too old."""
        newest, doubt, now_s = self._newest, self._doubt, self._clock.now_s()
        if doubt is not None and now_s - newest.measured_at_s > DOUBT_S:
            newest = doubt
        if newest.valid and now_s - newest.measured_at_s > self._silent_s:
            age_s, paused_s = now_s - newest.measured_at_s, now_s - self._looked_at_s
            why = f"the arm has been silent for {age_s:.1f} s; see that it is switched on"
            if paused_s > PAUSE_S and age_s - paused_s <= self._silent_s:
                why = f"this computer paused for {paused_s:.1f} s and read nothing meanwhile"
            return ArmSample.failed(now_s, why)
        return newest

    @property
    def silent(self) -> bool:
        """Whether nothing came for so long that the last reading tells nothing."""
        return self._clock.now_s() - self._newest.measured_at_s > self._silent_s

    def post(self, line: bytes) -> bool:
        """Make this the target that is sent next, instead of one that waits; return whether targets are taken."""
        with self._lock:
            refused = bool(self._interruption)
            if not refused:
                self._target = (line, self._clock.now_s() + TARGET_S)
        if refused:
            self._count(dropped=1)
        return not refused

    def believe(self, sample: ArmSample) -> None:
        """Make this the newest reading: a person has looked at an arm whose readings are doubted."""
        self._newest, self._doubts, self._doubt = sample, 0, None

    def forget_target(self) -> None:
        """Do not send the last target again, nor one that waits: the servos let go, or nobody knows where they are."""
        with self._lock:
            self._target, self._repeats = None, 0

    def order(self, line: bytes) -> None:
        """Send a line that is no target, after the ones ordered before it."""
        with self._lock:
            self._orders.append(b"\n" + line)  # ends what a starting arm may have kept of a greeting cut short

    def resume(self) -> None:
        """Take targets again after an interruption."""
        with self._lock:
            self._interruption = ""

    def restart(self) -> None:
        """Open the connection anew and start the firmware anew; it moves the arm to its home."""
        self._reset = True

    def close(self) -> None:
        """End the thread and the connection. A target that was just posted is still sent."""
        self._stop.set()
        if self._here is None:
            self._thread.join(timeout=3.0)
        else:
            self._end(self._here.link)
            self._here.link.close()

    def turn(self) -> None:
        """Without a thread: take what has arrived and send what waits.

        Raises:
            LinkError: The connection is gone; nobody opens it again.
        """
        assert self._here is not None
        self._go_on(self._here)

    def _run(self, link: Link | None) -> None:
        backoff_s = FIRST_BACKOFF_S
        while not self._stop.is_set():
            try:
                if link is None:
                    link = self._open_link(self._reset)
                    self._reset = False
                self._silent_s, backoff_s = link.silent_s, FIRST_BACKOFF_S
                self._serve(link)
                if self._reset:
                    self._interrupt("the arm is being restarted")
            except RoarmLabError as error:
                self._interrupt(str(error))
            except Exception as error:  # noqa: BLE001 - the thread must not die silently: the arm is held instead
                self._interrupt(f"the connection failed in a way nobody thought of: {error!r}")
            finally:
                if link is not None:
                    link.close()
                link = None
            self._stop.wait(backoff_s)
            backoff_s = min(2 * backoff_s, LAST_BACKOFF_S)

    def _serve(self, link: Link) -> None:
        turn = self._begin(link)
        while not self._stop.is_set() and not self._reset:
            self._go_on(turn)
        self._end(link)

    def _begin(self, link: Link) -> "_Turn":
        turn = _Turn(link, self._clock.now_s())
        self._greet(link)
        return turn

    def _go_on(self, turn: "_Turn") -> None:
        self._looked_at_s = self._clock.now_s()
        data = turn.link.read(WAIT_S)
        now_s = self._clock.now_s()
        if (waited_s := now_s - self._looked_at_s) > PAUSE_S:
            turn.paused_s += waited_s
        turn.backlog.read(len(data), now_s)
        self._count(bytes_in=len(data))
        for line in turn.reader.feed(data):
            self._take(turn, line, now_s)
        self._write(turn, now_s)

    def _end(self, link: Link) -> None:
        while (line := self._next(self._clock.now_s())) is not None:  # the last words of an arm that is being closed
            link.write(line)
        link.write(protocol.info_print(stream=False))

    def _greet(self, link: Link) -> None:
        """End a half line that the firmware may have, refuse remote control, and choose how feedback comes."""
        link.write(b"\n")
        link.write(protocol.remote_control_off())
        link.write(protocol.info_print(stream=not link.polled))

    def _take(self, turn: "_Turn", line: bytes, now_s: float) -> None:
        """Keep a feedback line as the newest reading, with the moment at which the servos were read."""
        parsed = protocol.parse_line(line)
        if isinstance(parsed, Skipped):
            self._count(skipped=1)
            self._heard.append(parsed.text or parsed.why)
            if protocol.is_boot_text(parsed.text) and self._feedback is not None:
                self._interrupt("the arm restarted, and its firmware moved it to its home meanwhile")
                turn.greet_at_s = now_s
            return
        if turn.backlog.stale and not turn.link.polled:
            self._count(discarded=1)
            return
        if turn.link.polled and not turn.is_answer(now_s):
            self._count(discarded=1)
            return  # nobody knows how old it is
        sent_s = (len(line) + 2) * BYTE_S + BUS_READ_S
        at_s = now_s - sent_s if turn.asked_at_s is None else turn.asked_at_s
        if self._feedback is not None and now_s - turn.heard_at_s > INTERRUPTED_AFTER * turn.link.silent_s:
            self._interrupt(turn.silence(now_s))
        turn.heard_at_s, turn.asked_at_s, turn.may_send, turn.paused_s = now_s, None, True, 0.0
        self._count(feedback=1)
        self._feedback = parsed
        try:
            unknown = isinstance(parsed, Unmeasured)
            sample = ArmSample.failed(at_s, parsed.reason) if unknown else self._judge(parsed, at_s)
        except OutOfSightError as error:
            self._interrupt(str(error))
            return
        if sample is None:
            return
        self._doubts = 0 if sample.valid else self._doubts + 1
        self._doubt = None if sample.valid else sample
        if sample.valid or self._doubts >= BELIEVED or not self._newest.valid:
            self._newest = sample

    def _write(self, turn: "_Turn", now_s: float) -> None:
        """Send at most one order or target, and ask for feedback where it has to be asked for."""
        if turn.may_send or now_s - turn.sent_at_s > PACE_S:
            line = self._next(now_s) or self._again(now_s - turn.sent_at_s)
            if line is not None:
                turn.link.write(line)
                turn.may_send, turn.sent_at_s = False, now_s
        if now_s - max(turn.heard_at_s, turn.greet_at_s) > turn.link.silent_s:
            turn.greet_at_s = now_s
            self._greet(turn.link)
        if turn.link.polled and turn.must_ask(now_s):
            turn.asked_at_s = self._clock.now_s()
            turn.link.write(protocol.ask_feedback())

    def _next(self, now_s: float) -> bytes | None:
        with self._lock:
            if self._orders:
                return self._orders.popleft()
            target, self._target = self._target, None
            if target is None:
                return None
            fresh = now_s <= target[1]
            if fresh:
                self._last, self._repeats = target[0], REPEATS
        self._count(sent=int(fresh), dropped=int(not fresh))
        return target[0] if fresh else None

    def _again(self, since_s: float) -> bytes | None:
        with self._lock:
            if not self._repeats or since_s < REPEAT_S:
                return None
            self._repeats -= 1
            return self._last

    def _interrupt(self, reason: str) -> None:
        with self._lock:
            self._target, self._repeats = None, 0
            self._orders.clear()
            first = not self._interruption
            self._interruption = self._interruption or reason  # what began it; what is wrong now is in the reading
            self._newest, self._doubt = ArmSample.failed(self._clock.now_s(), reason), None
            self._feedback = None
        self._forget()
        self._count(interruptions=int(first))

    def _count(self, **more: int) -> None:
        with self._lock:
            self._counts = replace(
                self._counts, **{name: getattr(self._counts, name) + count for name, count in more.items()}
            )


class _Turn:
    """Where the thread is with one open connection."""

    def __init__(self, link: Link, now_s: float) -> None:
        self.link = link
        self.reader = LineReader()
        self.backlog = Backlog(now_s)
        self.heard_at_s = self.greet_at_s = now_s
        self.sent_at_s = -1.0
        self.asked_at_s: float | None = None
        """When the question was asked that waits for its answer."""
        self.may_send = True  # whether feedback came since the last line that was sent
        self.paused_s = 0.0  # for how long this program stood still since the last line
        self._owed = False  # whether a question was given up whose answer may still come
        self._quiet_until_s = now_s + LATE_S  # what the arm streamed before it was told not to

    def is_answer(self, now_s: float) -> bool:
        """Whether a line that came answers the question that waits for its answer.

        After one was given up nobody can tell: what comes first is not taken, and what is behind it is waited out.
        """
        if self.asked_at_s is None or not self._owed:
            return self.asked_at_s is not None
        self.asked_at_s, self._owed, self._quiet_until_s = None, False, now_s + LATE_S
        return False

    def silence(self, now_s: float) -> str:
        """Return in words why nothing was heard for so long, and what that may mean."""
        if (silent_s := now_s - self.heard_at_s) - self.paused_s <= self.link.silent_s:
            return f"this computer paused for {self.paused_s:.1f} s; the arm may have restarted meanwhile"
        return f"the arm was silent for {silent_s:.1f} s and may have restarted"

    def must_ask(self, now_s: float) -> bool:
        """Whether it is time to ask. A question without an answer is given up, then late answers are waited out."""
        if self.asked_at_s is not None and now_s - self.asked_at_s > ANSWER_S:
            self.asked_at_s, self._owed, self._quiet_until_s = None, True, now_s + LATE_S
        return self.asked_at_s is None and now_s >= self._quiet_until_s
