"""The real arm behind the door of all arms: `RoArmM3.connect("serial")`, then read, send, hold."""

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Self

from roarm_lab.core.arrays import Float64
from roarm_lab.core.clock import Clock, MonotonicClock
from roarm_lab.core.errors import MissingError, UnsafeCommandError
from roarm_lab.hardware import protocol
from roarm_lab.hardware.calibration import Calibration
from roarm_lab.hardware.http_link import HttpLink
from roarm_lab.hardware.io_thread import Counts, IoThread
from roarm_lab.hardware.link import Address, Link
from roarm_lab.hardware.port_discovery import SILENT, STRANGER, find_port, same_arm, shared_at
from roarm_lab.hardware.protocol import Feedback, Firmware, Unmeasured
from roarm_lab.hardware.readings import Readings
from roarm_lab.hardware.serial_link import SerialLink
from roarm_lab.hardware.servo_speed import registers
from roarm_lab.robots.arm import MAX_SAMPLE_AGE_S, ArmSample, GatedArm
from roarm_lab.robots.gate import Gate
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.perception import Eye, Sight
from roarm_lab.robots.roarm_m3 import ROARM_M3

BOOT_S = 25.0
"""A start takes about 5 s, and up to 15 s more where the arm looks for a Wi-Fi that is not there."""
SILENT_S = 10.0
"""An arm that sends not a single byte for this long is not starting either."""
UNMEASURED_S = 3.0
"""How long an arm may say that it does not know its pose before it is believed."""
LOOK_S = 0.02
DELAY_S = 0.025
"""A target is on the wire for 11 ms and waits for the firmware's next turn: half of one, 9 to 14 ms, on average."""
FOLDING_S = 10.0
"""So long the newer firmware may take to let go: it folds the arm first. An arm that has torque later was not told."""
LIMP = "the torque is off: the arm is limp"
RELEASE_WARNINGS = {
    Firmware.FW25: "The servos let go at once: the arm falls down. Hold it.",
    Firmware.FW26: "This firmware moves first: it folds the arm (base 0, shoulder -90, elbow 180 degrees, gripper "
    "closed), at its own speed and outside the gate, and lets go then. Keep away from it, and see that nothing is in "
    "its way.",
}


def open_link(address: str, reset: bool = False, *, usb_serial: str = "") -> Link:
    """Return a connection to the arm at an address; with `reset` its firmware is started anew.

    Args:
        address: Where it is.
        reset: Start its firmware anew.
        usb_serial: Number of its USB chip, by which it is found or another arm is noticed; empty: not compared.

    Raises:
        BadInputError: It is no address, several ports could be meant, or another arm is there.
        LinkError: The connection does not open.
    """
    parsed = Address.parse(same_arm(address, usb_serial))
    if parsed.kind == "http":
        return HttpLink(parsed.place, reset=reset)
    return SerialLink(parsed.place or find_port(), reset=reset)


class RoArmM3(GatedArm):
    """One real arm. A thread of its own talks to it; reading and sending never wait for the wire.

    After an interruption (unplugged, restarted, silent) the arm is held: it may have moved, and its firmware moves it
    when it starts. When it has come to rest again, its pose becomes the new start, and `release` lets requests pass.
    """

    delay_s = DELAY_S

    def __init__(
        self,
        io: IoThread,
        readings: Readings,
        found: ArmSample,
        clock: Clock,
        *,
        rules: GateRules | None = None,
        eye: Eye | None = None,
    ) -> None:
        """Take over a connection whose arm has been found at rest; `connect` does all this.

        Raises:
            UnsafeCommandError: The pose is impossible.
        """
        rules = readings.calibration.narrowed(ROARM_M3, rules or GateRules())
        super().__init__(ROARM_M3, clock, found, rules)
        self._eye = eye
        self.provides = RoArmM3.provides | ({"perception"} if eye is not None else set())
        self._io = io
        self._readings = readings
        self.limits = self._gate.limits
        """What its gate enforces for each joint."""
        self._target = self.sent
        self._target_at_s = clock.now_s()
        self._let_go_at_s = -math.inf

    @classmethod
    def connect(
        cls,
        address: str = "serial",
        *,
        clock: Clock | None = None,
        rules: GateRules | None = None,
        eye: Eye | None = None,
        calibration: Calibration | None = None,
        reset: bool = False,
        torque_on: bool = False,
        usb_serial: str = "",
        timeout_s: float = BOOT_S,
    ) -> Self:
        """Return the arm at an address as soon as it stands still and its pose is known. It is not moved.

        Args:
            address: See `roarm_lab.hardware.link.EXAMPLES`.
            clock: What readings are stamped with; real time unless given.
            rules: What the gate enforces beyond the arm's facts; the defaults of `GateRules` unless given.
            eye: What sees the boxes on its table, a camera; without one it is blind.
            calibration: By how much its angles are off; they are right unless given. All of this class is in true
                angles, except `feedback`.
            reset: Start the firmware anew. It moves the arm to its home then.
            torque_on: Make limp servos hold where they are.
            usb_serial: Number of its USB chip; compared now and whenever the cable was put back.
            timeout_s: How long to wait for an arm that is starting.

        Raises:
            BadInputError: It is no address, several ports could be meant, or another arm is there.
            MissingError: No arm answers, or it does not know its pose; the text says what to do.
            UnsafeCommandError: The arm stands far outside its joints' ranges.
        """
        clock = clock or MonotonicClock()
        readings = Readings(ROARM_M3, torque_released=torque_on, calibration=calibration)
        opened = partial(open_link, address, usb_serial=usb_serial)
        io = IoThread(opened, clock, readings.judge, readings.forget, reset=reset)
        try:
            found = wait_for_pose(io, readings, clock, address, timeout_s)
            arm = cls(io, readings, found, clock, rules=rules, eye=eye)
            io.resume()  # whatever happened before: it stands still, and its pose is where it starts from
            if torque_on:
                arm.torque(on=True)
        except BaseException:
            io.close()
            raise
        return arm

    @property
    def firmware(self) -> Firmware | None:
        """Which firmware answers; None while none does."""
        return self._io.firmware

    @property
    def feedback(self) -> Feedback | Unmeasured | None:
        """The newest feedback line as it came, believed or not; its angles are not calibrated."""
        return self._io.feedback

    @property
    def heard(self) -> tuple[str, ...]:
        """The last few lines that were no feedback."""
        return self._io.heard

    @property
    def counts(self) -> Counts:
        """What happened on the connection so far."""
        return self._io.counts

    @property
    def release_warning(self) -> str:
        """What will happen when the torque is switched off; people must be told before."""
        return RELEASE_WARNINGS[self.firmware or Firmware.FW25]

    def torque(self, *, on: bool, warned: bool = False) -> None:
        """Make the servos hold where they are, or let them go.

        Args:
            on: Whether to hold.
            warned: Whether people were told what `release_warning` says; letting go is refused otherwise.

        Raises:
            UnsafeCommandError: People were not told; or it is not known where to hold.
            MissingError: The connection is broken, so that the arm would let go whenever it comes back.
        """
        with self._lock:
            if on:
                self._hold_here()
            elif not warned:
                raise UnsafeCommandError(f"Letting go has to be announced (warned=True). {self.release_warning}")
            elif reason := self._io.interruption:
                raise MissingError(f"The arm can not be told to let go: {reason}.")
            else:
                self._gate.hold(LIMP)
                self._readings.torque_released, self._let_go_at_s = True, self.clock.now_s()
                self._io.forget_target()
                self._io.order(protocol.torque(on=False))

    def led(self, level: int) -> None:
        """Set the lamp, 0 (off) to 255.

        Raises:
            BadInputError: Another level.
        """
        self._io.order(protocol.led(level))

    def recover(self, go_home: Callable[[Self], None] | None = None) -> list[str]:
        """Start the firmware anew, make the servos hold, let requests pass again and go home; return what was done.

        For a person who stands beside the arm: it moves as soon as it starts, outside the gate.

        Args:
            go_home: The slow move at the end, for instance `move_slowly` of the gateway to the keyframe `home`.

        Raises:
            MissingError: The arm did not come back.
            UnsafeCommandError: A stop source wants a stop, or the arm came back in an impossible pose.
        """
        self._stop_if_wanted()
        self._io.restart()
        self._sleep_until(lambda: bool(self._io.interruption))
        steps = ["closed the connection and started the firmware anew"]
        wait_for_pose(self._io, self._readings, self.clock, "the arm", BOOT_S)
        steps.append(f"the arm came back and stands still (firmware of {self.firmware})")
        self.read()  # takes the pose over
        self.torque(on=True)
        steps.append("the servos hold where they are")
        self.clear()
        if go_home is not None:
            go_home(self)
            steps.append("moved home slowly, through the gate")
        return steps

    def _read(self) -> ArmSample:
        if self._io.interruption or self._readings.torque_released:
            with self._lock:
                self._latch()
        return self._io.newest()

    def _see(self) -> Sight:
        return super()._see() if self._eye is None else self._eye.look()

    def _latch(self) -> None:
        """Hold as long as the arm is limp or was interrupted; start anew from where it came to rest."""
        if reason := self._io.interruption:
            self._gate.hold(f"{reason.rstrip('.')}. The arm is held: look at the arm, then release it")
            rest = self._readings.at_rest()
            if rest is not None and self._io.newest().valid and self._begins_at(rest.joint_pos):
                self._io.resume()
        if self._readings.torque_released:
            self._gate.hold(LIMP)

    def _transmit(self, target: Float64) -> None:
        """Hand a target over. Nothing goes to an arm that is limp, was interrupted or is not known to be near it.

        A target moves an arm at once, and makes limp servos drive: one that has sunk without power would leap.
        """
        if self._readings.torque_released or self._io.interruption:
            return
        if not self._io.newest().valid:
            self._io.forget_target()
            return
        now_s = self.clock.now_s()
        if self._io.post(self._line(target, now_s)):
            self._target, self._target_at_s = target, now_s
            self._readings.target = target

    def _line(self, target: Float64, now_s: float) -> bytes:
        newest = self._io.newest()
        measured = newest.joint_pos if newest.valid else target
        speed, accel = registers(target, self._target, measured, now_s - self._target_at_s, self.limits)
        return protocol.move(self._readings.calibration.wire(target).tolist(), speed, accel)

    def _disconnect(self) -> None:
        self._io.close()

    def _freed(self) -> None:
        """Begin anew where a doubted arm says that it is: the person who frees it has looked at it."""
        if self._readings.torque_released or self._io.newest().valid or not self._where().valid:
            return
        try:
            self._hold_here()
            self._io.resume()
        except UnsafeCommandError as error:
            self._gate.hold(str(error))

    def _where(self) -> ArmSample:
        """Return where the arm is, also when its servos do not hold."""
        newest, doubted = self._io.newest(), self._readings.doubted
        if newest.valid or doubted is None or not self.clock.now_s() - doubted.measured_at_s <= MAX_SAMPLE_AGE_S:
            return newest
        return doubted

    def _hold_here(self) -> None:
        """Make the present pose the target before there is torque: with an old one the arm would leap to it."""
        sample = self._where()
        if why := self._why_not_here(sample):
            raise UnsafeCommandError(f"The servos can not be told where to hold: {why}.")
        self._refuse_past_half_a_turn(sample.joint_pos)
        self._start_from(sample.joint_pos)
        limp, self._readings.torque_released = self._readings.torque_released, False
        self._io.forget_target()  # or an older one would be repeated after this one
        self._io.believe(sample)
        self._readings.grant(self.clock.now_s())
        self._io.order(self._line(self.sent, self.clock.now_s()))
        self._io.order(protocol.torque(on=True))
        if limp:  # letting go may have silenced the arm for a while; where it is now has just been measured
            self._io.resume()
            if self.latched == LIMP:
                self._gate.release()

    def _why_not_here(self, sample: ArmSample) -> str:
        """Return why an arm is not known to be where a reading says, in words; empty when it is.

        The newer firmware folds the arm before it lets go and carries out later what it is told meanwhile: with a pose
        from before, it would drive back there.
        """
        now_s, feedback = self.clock.now_s(), self._io.feedback
        if not sample.valid:
            return sample.reason
        if not now_s - sample.measured_at_s <= MAX_SAMPLE_AGE_S:
            return f"the newest pose is {now_s - sample.measured_at_s:.2f} s old"
        switches = feedback.torque_on if isinstance(feedback, Feedback) else None
        if now_s - self._let_go_at_s < FOLDING_S and any(switches or ()):
            return "the arm has not let go yet"
        return ""

    def _refuse_past_half_a_turn(self, pose: Float64) -> None:
        """Refuse to hold where no target leads but all round: the servos count one turn."""
        wire = self._readings.calibration.wire(pose)
        for joint in protocol.ROUND:
            if not abs(wire[joint]) <= math.pi:
                raise UnsafeCommandError(
                    f"The {protocol.JOINTS[joint]} stands past half a turn: told to hold, it would turn all round. "
                    f"Turn it back by hand a little, then try again."
                )

    def _begins_at(self, pose: Float64) -> bool:
        """Begin anew at a measured pose; return False where that is impossible, which is told in the hold."""
        try:
            self._start_from(pose)
        except UnsafeCommandError as error:
            with suppress(UnsafeCommandError):  # an emergency stop keeps its reason
                self._gate.release()
            self._gate.hold(str(error))
            return False
        return True

    def _start_from(self, pose: Float64) -> None:
        """Begin anew at a measured pose. What latched the gate latches the new one."""
        old, self._gate = self._gate, Gate(self.robot, sent=pose, rules=self._gate.rules)
        self._target, self._target_at_s = self.sent, self.clock.now_s()
        self._readings.target = None  # from here on it has been told nothing
        if (reason := old.latched) is not None:
            try:
                old.release()
                self._gate.hold(reason)
            except UnsafeCommandError:
                self._gate.estop(reason)

    def _sleep_until(self, done: Callable[[], bool], timeout_s: float = 2.0) -> None:
        until_s = self.clock.now_s() + timeout_s
        while not done() and self.clock.now_s() < until_s:
            self.clock.sleep_until_s(self.clock.now_s() + LOOK_S)


def wait_for_pose(io: IoThread, readings: Readings, clock: Clock, place: str, timeout_s: float) -> ArmSample:
    """Return the pose of an arm that has come to rest.

    Raises:
        MissingError: It does not answer, is something else, or does not know its pose.
    """
    began_s = clock.now_s()
    unmeasured_at_s: float | None = None
    while True:
        clock.sleep_until_s(clock.now_s() + LOOK_S)
        now_s, newest = clock.now_s(), io.newest()
        rest = readings.at_rest()
        if rest is not None and newest.valid:
            return newest
        unknown = io.feedback is not None and not newest.valid and not io.silent
        unmeasured_at_s = (unmeasured_at_s or now_s) if unknown else None
        if unmeasured_at_s is not None and now_s - unmeasured_at_s > UNMEASURED_S:
            raise MissingError(f"The arm answers but does not know its pose: {newest.reason}.")
        if now_s - began_s > (SILENT_S if io.counts.bytes_in == 0 else timeout_s):
            raise MissingError(shared_at(place) or _why_nothing(io, place))


def _why_nothing(io: IoThread, place: str) -> str:
    counts = io.counts
    if io.interruption:
        return io.interruption
    if counts.bytes_in == 0:
        return SILENT.format(port=place)
    if counts.feedback and io.silent:
        return f"The arm answered and then fell silent: {io.newest().reason}."
    if counts.feedback:
        return "The arm does not come to rest. Is somebody moving it, or another program?"
    seen = f" (the last one: {io.heard[-1][:60]!r})" if io.heard else ""
    return STRANGER.format(port=place, count=counts.bytes_in, seen=seen)
