"""One bus servo: its registers, the profile that leads to its goal, and the torque it gives.

Source: ST3215/SMS_STS register documentation and measurements of that family (the numbers below), written without the
servo model that policies are trained on, so that the one can be held against the other. Positions are encoder steps,
4096 a turn; torques are newton metres at the joint.
"""

from dataclasses import dataclass
from math import copysign, pi, sqrt

STEPS = 4096
STEP_RAD = 2.0 * pi / STEPS
STALL_TORQUE_NM = 2.94
"""30 kg cm at 12 V."""
NO_LOAD_RAD_S = 270.0 * pi / 180.0
"""45 turns a minute at 12 V. The motor's back EMF takes the torque away towards this speed."""
MAX_STEP_S = 3400.0
"""Highest speed the register asks for; 0 means this too."""
ACC_UNIT_STEP_S2 = 100.0
STIFFNESS_NM_PER_RAD_AT_P16 = 18.0
"""Derived from the droop that users report; proportional to the P register."""
DAMPING_NMS_PER_RAD_AT_D32 = 0.4
"""Guess: what register D does to the difference of speeds."""
DEADBAND_STEPS = 1.0
MIN_DUTY = 0.016
"""Smallest share of the stall torque it starts with."""
OVERLOAD_DUTY, OVERLOAD_S, PROTECTED_DUTY = 0.8, 2.0, 0.2
"""Stall protection: this load for this long, and the torque falls to the last number."""


@dataclass
class Servo:
    """The registers of one servo. `advance` is called once per physics step with where its shaft is."""

    id: int
    sign: int
    """+1 when more steps are a larger joint angle."""
    zero_step: float
    """Position that reads at joint angle 0."""
    goal: int = 2048
    speed: int = 0
    """Speed register [step/s]; 0 is the highest."""
    acc: int = 0
    """Acceleration register [100 step/s^2]; 0 is none: at once."""
    torque_on: bool = False
    torque_limit: int = 1000
    """0.1 % of the stall torque."""
    p: int = 32
    i: int = 0
    duty: float = 0.0
    """Share of the stall torque it gives now, -1 to 1, in the direction of more steps."""
    position: float = 2048.0
    profile: float = 2048.0
    """Where the profile is on its way to the goal."""
    profile_speed: float = 0.0
    powered: bool = True
    protected: int = 0
    """Direction in which the stall protection holds the torque down; 0 when it does not."""
    _overload_s: float = 0.0
    _integral: float = 0.0

    @property
    def reading(self) -> int:
        """Position as the encoder gives it, 0 to 4095."""
        return round(self.position) % STEPS

    @property
    def load(self) -> int:
        """Load as reported, 0.1 %: positive when the shaft is past its goal, as in frames captured from an arm."""
        return -round(1000.0 * self.duty)

    @property
    def current_ma(self) -> float:
        """Current: 180 mA idle, 2.7 A stalled; in between a straight line."""
        return 180.0 + 2520.0 * abs(self.duty) if self.powered else 0.0

    @property
    def moving(self) -> bool:
        """Whether the profile has not arrived."""
        return self.torque_on and self.profile != float(self.goal)

    def write_goal(self, goal: int, speed: int, acc: int) -> None:
        """Take a new goal, which also switches the torque on. Goals outside 0 to 4095 become the nearest inside."""
        self.speed, self.acc = speed, min(acc, 254)
        self.goal = min(max(goal, 0), STEPS - 1)
        if not self.torque_on:
            self.write_torque(on=True)

    def write_torque(self, *, on: bool) -> None:
        """Switch the torque. Switched on, it sets out from where it is to the goal it still has (not verified)."""
        if on and not self.torque_on:
            self.profile, self.profile_speed = self.position, 0.0
        self.torque_on = on
        self._forget_load()

    def set_middle(self) -> None:
        """Make the present position read 2048, for good."""
        shift = 2048.0 - self.position
        self.zero_step += shift
        self.position += shift
        self.profile += shift

    def follow(self, joint_rad: float) -> None:
        """Tell the encoder where the joint is [rad]."""
        self.position = self.zero_step + self.sign * joint_rad / STEP_RAD

    def advance(self, joint_rad: float, joint_rad_s: float, dt_s: float) -> float:
        """Return the torque on the joint [N m] for the next step of time."""
        self.follow(joint_rad)
        if not (self.torque_on and self.powered):
            self.profile, self.profile_speed, self.duty = self.position, 0.0, 0.0
            return 0.0
        self._advance_profile(dt_s)
        speed_rad_s = self.sign * joint_rad_s
        self.duty = self._limited(self._wanted_duty(speed_rad_s, dt_s), dt_s)
        back_emf_nm = STALL_TORQUE_NM / NO_LOAD_RAD_S * joint_rad_s
        return self.sign * self.duty * STALL_TORQUE_NM - back_emf_nm

    def _advance_profile(self, dt_s: float) -> None:
        """Move the profile on: a trapezoid of speed that stops at the goal."""
        left = self.goal - self.profile
        top = min(float(self.speed), MAX_STEP_S) if self.speed else MAX_STEP_S
        acc = self.acc * ACC_UNIT_STEP_S2
        wanted = copysign(min(top, sqrt(2.0 * acc * abs(left))) if acc else top, left)
        if acc:
            change = acc * dt_s
            wanted = min(max(wanted, self.profile_speed - change), self.profile_speed + change)
        if abs(left) <= abs(wanted) * dt_s and wanted * left >= 0.0:
            self.profile, self.profile_speed = float(self.goal), 0.0
        else:
            self.profile, self.profile_speed = self.profile + wanted * dt_s, wanted

    def _wanted_duty(self, speed_rad_s: float, dt_s: float) -> float:
        """Return the share of the stall torque that the control loop asks for."""
        error = self.profile - self.position
        if abs(error) <= DEADBAND_STEPS and self.profile_speed == 0.0:
            return 0.0
        self._integral += error * STEP_RAD * dt_s if self.i else -self._integral
        stiffness = STIFFNESS_NM_PER_RAD_AT_P16 / 16.0
        torque_nm = stiffness * (self.p * error * STEP_RAD + self.i * self._integral)
        torque_nm += DAMPING_NMS_PER_RAD_AT_D32 * (self.profile_speed * STEP_RAD - speed_rad_s)
        duty = torque_nm / STALL_TORQUE_NM
        return copysign(max(abs(duty), MIN_DUTY), duty)

    def _limited(self, duty: float, dt_s: float) -> float:
        """Return the duty within the torque limit and the stall protection."""
        if self.protected and duty * self.protected < 0.0:
            self._forget_load()  # a command the other way ends the protection
        top = PROTECTED_DUTY if self.protected else min(self.torque_limit, 1000) / 1000.0
        limited = min(max(duty, -top), top)
        self._overload_s = self._overload_s + dt_s if abs(limited) >= OVERLOAD_DUTY else 0.0
        if self._overload_s >= OVERLOAD_S:
            self.protected = 1 if duty > 0.0 else -1
        return limited

    def _forget_load(self) -> None:
        self._overload_s, self.protected, self._integral = 0.0, 0, 0.0
