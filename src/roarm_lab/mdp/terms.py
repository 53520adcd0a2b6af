"""The seven kinds of words a task is written with.

Each is data (typed fields), bound to a scene (names become indices) and then called every step without lookups. A
bound term is a pure function of arrays: float32, fixed shapes, out-of-place, NumPy or torch, and no randomness: what
is random is handed in as uniform numbers that the environment drew.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self, TypeAlias

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.effects import Effect
from roarm_lab.mdp.holding import Holding
from roarm_lab.mdp.meaning import ExplainedTerm
from roarm_lab.mdp.scene import Scene
from roarm_lab.robots.robot import Robot

Source: TypeAlias = Literal["measured", "derived", "perception", "sim_only"]
"""Where a number comes from: an encoder; computed from encoders, commands, actions; a camera; the simulator alone."""

ObservationFn: TypeAlias = Callable[[State], Array]
"""State to [env, size]."""
RewardFn: TypeAlias = Callable[[State], Array]
"""State to [env]."""
ActionFn: TypeAlias = Callable[[State, Array], Array]
"""State and this term's part of the action [env, size] to requested joint angles [env, joints of the term] rad."""
CommandFn: TypeAlias = Callable[[Array, State], Array]
"""Uniform numbers in [0, 1) [env, draws] and the state to a command [env, size]."""
EventFn: TypeAlias = Callable[[Array, State], Effect]
"""Uniform numbers [env, draws] and the state to what is done to every world."""
TestFn: TypeAlias = Callable[[State], Array]
"""State to bool [env]."""


def check_finite(term: object, *fields: str) -> None:
    """Refuse fields of a term that are not finite numbers.

    Raises:
        BadInputError: Names the term, the field and its value. So do the other two checks.
    """
    for name in fields:
        if not math.isfinite(getattr(term, name)):
            raise BadInputError(f"{type(term).__name__}.{name} must be a finite number, got {getattr(term, name)}.")


def check_positive(term: object, *fields: str) -> None:
    """Refuse fields of a term that are not positive finite numbers."""
    for name in fields:
        if not 0.0 < getattr(term, name) < math.inf:
            raise BadInputError(f"{type(term).__name__}.{name} must be positive and finite, got {getattr(term, name)}.")


def check_not_negative(term: object, *fields: str) -> None:
    """Refuse fields of a term that are not finite numbers of 0 or more."""
    for name in fields:
        if not 0.0 <= getattr(term, name) < math.inf:
            raise BadInputError(f"{type(term).__name__}.{name} must be 0 or more, got {getattr(term, name)}.")


@dataclass(frozen=True, kw_only=True)
class SensorNoise:
    """How exact sensors are: standard deviations of what they tell."""

    joint_pos_rad: float = 0.0
    """Of a measured joint angle."""
    box_pos_m: float = 0.0
    """Of where a box is seen, along each axis."""


@dataclass(frozen=True, kw_only=True)
class ObservationTerm(ExplainedTerm, ABC):
    """Numbers a policy sees."""

    source: ClassVar[Source]
    unit: ClassVar[str]

    scale: float = 1.0
    """Factor on the number, so that different units have similar sizes."""
    noise_std: float = 0.0
    """Standard deviation of added noise, in the term's unit (before `scale`)."""
    delay_s: float = 0.0
    """How old the number is when the policy sees it."""
    history_s: float = 0.0
    """How far back the policy also sees earlier values, oldest first; 0 means the newest alone."""

    def __post_init__(self) -> None:
        """Refuse what is not a number, and negative noise, delay or history."""
        check_finite(self, "scale")
        check_not_negative(self, "noise_std", "delay_s", "history_s")

    def meaning(self, scene: Scene) -> str:
        """Return what the numbers are, and what of them the policy gets."""
        said, dt_s = [super().meaning(scene)], scene.control_dt_s
        if self.scale != 1.0:
            said.append(f"The input is this times {self.scale:g}.")
        if delay := round(self.delay_s / dt_s):
            said.append(f"It is the one of {delay} control steps ago.")
        if past := round(self.history_s / dt_s):
            said.append(f"The ones of {past} control steps before it come first, oldest first, all components of each.")
        if delay or past:
            said.append("What lies before the episode is what there was when it began.")
        return " ".join(said)

    @abstractmethod
    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return the name of each number, in order."""

    @abstractmethod
    def bind(self, scene: Scene) -> ObservationFn:
        """Return the function that computes the unscaled numbers."""

    @abstractmethod
    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return what the noise of sensors becomes in each number, in the term's unit; 0 where a term gets none.

        Args:
            sensors: How exact they are.
            dt_s: Time of a control step.
        """

    def with_sensor_noise(self, sensors: SensorNoise, dt_s: float) -> Self:
        """Return the term with the noise of what it is made from added to its own."""
        added = self.sensor_noise_std(sensors, dt_s)
        return replace(self, noise_std=math.hypot(self.noise_std, added)) if added else self


@dataclass(frozen=True, kw_only=True)
class RewardTerm(ABC):
    """Something worth having (0 to 1, positive weight) or avoiding (0 or more, negative weight)."""

    penalty: ClassVar[bool] = False

    weight: float
    """Factor on the term; the only scale there is (no factor of the time step is added)."""

    def __post_init__(self) -> None:
        """Refuse a weight of the wrong sign."""
        check_finite(self, "weight")
        if self.penalty and self.weight > 0:
            raise BadInputError(f"{type(self).__name__} is a penalty: its weight must be 0 or less, got {self.weight}.")
        if not self.penalty and self.weight < 0:
            raise BadInputError(
                f"{type(self).__name__} is a shaping reward: its weight must be 0 or more, got {self.weight}."
            )

    @abstractmethod
    def bind(self, scene: Scene) -> RewardFn:
        """Return the function that computes the term without its weight."""


@dataclass(frozen=True, kw_only=True)
class ActionTerm(ExplainedTerm, ABC):
    """A part of the action vector and what it does to joints."""

    @abstractmethod
    def size(self, scene: Scene) -> int:
        """Return how many numbers of the action vector belong to this term."""

    @abstractmethod
    def joints(self, scene: Scene) -> list[int]:
        """Return the indices of the joints this term moves."""

    @abstractmethod
    def bind(self, scene: Scene) -> ActionFn:
        """Return the function that turns the action into requested joint angles."""


@dataclass(frozen=True, kw_only=True)
class CommandTerm(ExplainedTerm, ABC):
    """What is asked of the policy, drawn anew for every episode."""

    size: ClassVar[int]
    draws: ClassVar[int]
    title: ClassVar[str] = "the goal"
    """What it asks for, in a sentence."""

    resample_s: float = math.inf
    """Ask for something new after this time within an episode."""

    def __post_init__(self) -> None:
        """Refuse a resampling time that is not positive."""
        if not self.resample_s > 0.0:
            raise BadInputError(f"{type(self).__name__}.resample_s must be positive, got {self.resample_s}.")

    def meaning(self, scene: Scene) -> str:
        """Return what is asked for, and when."""
        again = "" if math.isinf(self.resample_s) else f", and every {self.resample_s:g} s in it"
        return f"Drawn when an episode begins, after all else{again}. {super().meaning(scene)}"

    @abstractmethod
    def bind(self, scene: Scene) -> CommandFn:
        """Return the function that makes commands from uniform numbers."""


@dataclass(frozen=True, kw_only=True)
class EventTerm(ExplainedTerm, ABC):
    """Something that happens to the world: once at startup, at every reset, or every so often."""

    modes: ClassVar[tuple[str, ...]]
    """Which modes make sense."""

    mode: Literal["startup", "reset", "interval"] = "reset"
    interval_s: float = math.inf
    """Time between two happenings in mode `interval`."""

    def __post_init__(self) -> None:
        """Refuse a mode that makes no sense, and an interval that is missing or not positive."""
        if self.mode not in self.modes:
            raise BadInputError(
                f"{type(self).__name__}.mode must be {' or '.join(map(repr, self.modes))}, got {self.mode!r}."
            )
        if self.mode == "interval" and not 0.0 < self.interval_s < math.inf:
            raise BadInputError(
                f"{type(self).__name__} in mode 'interval' needs interval_s > 0, got {self.interval_s}."
            )

    def meaning(self, scene: Scene) -> str:
        """Return when it happens, and what."""
        when = {"startup": "Once", "reset": "When an episode begins", "interval": f"Every {self.interval_s:g} s"}
        return f"{when[self.mode]}: {super().meaning(scene)}"

    @abstractmethod
    def draws(self, scene: Scene) -> int:
        """Return how many uniform numbers each world needs."""

    @abstractmethod
    def bind(self, scene: Scene) -> EventFn:
        """Return the function that says what is done."""


@dataclass(frozen=True, kw_only=True)
class TerminationTerm(ExplainedTerm, ABC):
    """A reason to end an episode early."""

    def meaning(self, scene: Scene) -> str:
        """Return what ends an episode, and what that means for it."""
        return f"Ends the episode after a control step, without success: {super().meaning(scene)}"

    @abstractmethod
    def bind(self, scene: Scene) -> TestFn:
        """Return the function that says which worlds end."""


@dataclass(frozen=True, kw_only=True)
class SuccessDescription:
    """What a success term is about, for reports, films and traces."""

    site: str
    """The site of the robot whose path is worth a line."""
    holds: str | None = None
    """What is to be held near the goal, in words; None where success is not that something is near something."""
    besides: str = ""
    """What must be true besides being near, in words; empty for nothing."""
    within_m: float | None = None
    """How near counts; None where success is not said as a distance."""
    command: str | None = None
    """The command that is the goal."""
    box: str | None = None
    """The box that is to be moved."""


@dataclass(frozen=True, kw_only=True)
class SuccessTerm(ExplainedTerm, ABC):
    """When the task is being done right now. Success is this, held without a break until the episode ends."""

    source: ClassVar[Source] = "derived"
    """Where the facts come from by which it judges; with `sim_only` an arm alone can not tell."""

    hold_s: float
    """How long it must have held, without a break, when the episode ends."""

    def __post_init__(self) -> None:
        """Refuse a holding time that is not positive."""
        check_positive(self, "hold_s")

    def meaning(self, scene: Scene) -> str:
        """Return what has to hold, and for how long."""
        steps = self.holding(scene.control_dt_s).steps
        return (
            f"After each of the last {steps} control steps of the episode ({self.hold_s:g} s): {super().meaning(scene)}"
        )

    @abstractmethod
    def bind(self, scene: Scene) -> TestFn:
        """Return the function that says in which worlds it holds."""

    def holding(self, control_dt_s: float) -> Holding:
        """Return the rule that makes a success of it."""
        return Holding(round(self.hold_s / control_dt_s))

    def describe(self, robot: Robot) -> SuccessDescription:
        """Return what the term is about; a term that says nothing is told by the name of its task."""
        return SuccessDescription(site=robot.ee_site)

    @abstractmethod
    def distance(self, scene: Scene) -> RewardFn:
        """Return the function that says how far off each world is [env] m, for reports."""


@dataclass(frozen=True, kw_only=True)
class CurriculumTerm(ABC):
    """Something that changes as training goes on."""

    reward: str
    """The reward whose weight is multiplied."""

    @abstractmethod
    def factor(self, steps: int) -> float:
        """Return the factor on the weight after `steps` environment steps."""
