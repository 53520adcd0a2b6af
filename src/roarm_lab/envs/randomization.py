"""Domain randomisation as one typed value, written by people as YAML, and put into a task.

A policy that has seen many arms, each a little different, works on one that nobody has measured exactly. Everything is
drawn anew for each world at each reset: factors, masses and sizes log-uniformly, offsets and delays evenly.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float32, to_numpy
from roarm_lab.core.configs import Range, dump_yaml, load_yaml, override
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.mdp.events import MAX_DELAY_S, ActionDelay, JointOffset, MeasurementDelay, RandomizingTerm, ScaleModel
from roarm_lab.mdp.terms import EventTerm, SensorNoise
from roarm_lab.sim.backend import Box

PREFIX = "randomize."
"""How the names of the events begin that `randomized` adds."""
MAX_OFFSET_RAD = 0.5
"""An encoder whose zero is further off than this has been mounted wrongly."""
UNCHANGED = Range(1.0, 1.0)


def _entry(default: Range | float, unit: str, text: str) -> Any:
    return field(default=default, metadata={"unit": unit, "text": text})


@dataclass(frozen=True, kw_only=True)
class DomainRandomization:
    """What differs from world to world. A factor of 1 to 1, an offset, delay or noise of 0 changes nothing."""

    link_mass: Range = _entry(
        Range(0.85, 1.15), "factor", "masses and inertias of all links; the nominal ones are uncertain by about 20 %"
    )
    servo_stiffness: Range = _entry(Range(0.85, 1.15), "factor", "gain of all servos")
    joint_damping: Range = _entry(Range(0.8, 1.25), "factor", "damping of all joints")
    joint_friction: Range = _entry(
        Range(0.5, 2.0), "factor", "dry friction of all joints, deadband included; the nominal value is a guess"
    )
    joint_armature: Range = _entry(
        Range(0.7, 1.4), "factor", "rotor inertia of all joints; the nominal value is a guess"
    )
    joint_offset_rad: Range = _entry(
        Range(-0.035, 0.035), "rad", "zero error of each encoder: measured minus true angle, per joint (2 degrees)"
    )
    action_delay_s: Range = _entry(
        Range(0.0, 0.06), "s", "how late targets reach the servos, to the nearest fifth of a control step"
    )
    measurement_delay_s: Range = _entry(
        Range(0.0, 0.03), "s", "how old joint angles are when the policy sees them; an arm's loop moves older ones on"
    )
    joint_pos_noise_rad: float = _entry(
        0.0015, "rad", "standard deviation of measured joint angles (one encoder step); speeds and leads follow"
    )
    box_mass_kg: Range = _entry(Range(0.02, 0.08), "kg", "mass of each box")
    box_size_m: Range = _entry(Range(0.03, 0.04), "m", "edge of each box; where it rests follows")
    box_friction: Range = _entry(Range(0.75, 1.25), "factor", "friction of boxes on the table")
    jaw_friction: Range = _entry(
        Range(0.7, 1.3), "factor", "friction of the gripping faces; the nominal value is a guess"
    )
    box_pos_noise_m: float = _entry(0.002, "m", "standard deviation of where a box is seen")

    def __post_init__(self) -> None:
        """Refuse factors, masses and sizes that are not positive, and offsets, delays and noise that make no sense."""
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.metadata["unit"] in ("factor", "kg", "m") and isinstance(value, Range) and not value.low > 0.0:
                raise BadInputError(f"{entry.name}.low must be positive, got {value.low}.")
            if not isinstance(value, Range) and not 0.0 <= value < math.inf:
                raise BadInputError(f"{entry.name} must be 0 or more, got {value}.")
        for name in ("action_delay_s", "measurement_delay_s"):
            delay_s: Range = getattr(self, name)
            if not 0.0 <= delay_s.low <= delay_s.high <= MAX_DELAY_S:
                raise BadInputError(f"{name} must be within 0 to {MAX_DELAY_S}, got {_words(delay_s)}.")
        if not -MAX_OFFSET_RAD <= self.joint_offset_rad.low <= self.joint_offset_rad.high <= MAX_OFFSET_RAD:
            raise BadInputError(
                f"joint_offset_rad must be within -{MAX_OFFSET_RAD} to {MAX_OFFSET_RAD}, "
                f"got {_words(self.joint_offset_rad)}."
            )


DEFAULT = Path("default")
"""What to write instead of a file to mean the defaults, in any folder."""


def load_randomization(path: Path) -> DomainRandomization:
    """Return what a YAML file says; what it does not name keeps its default. The name `default` means the defaults.

    Raises:
        BadInputError: A key is unknown, or a range or number makes no sense; the text names it.
    """
    if path == DEFAULT:
        return DomainRandomization()
    if not path.exists() and get_close_matches(str(path), [str(DEFAULT)]):
        raise BadInputError(f"There is no file {path}. The defaults are meant by: {DEFAULT}.")
    return override(DomainRandomization(), load_yaml(path), str(path))


def randomization_yaml(randomization: DomainRandomization) -> str:
    """Return the text of a YAML file from which `load_randomization` makes the same value."""
    plain: dict[str, Any] = asdict(randomization)
    return dump_yaml(plain)


def randomized(config: EnvConfig, randomization: DomainRandomization) -> EnvConfig:
    """Return the task with worlds that differ as `randomization` says.

    What concerns boxes is left out of a task without any. Noise goes to what the actor sees; a critic sees the truth.
    """
    sensors = SensorNoise(
        joint_pos_rad=randomization.joint_pos_noise_rad,
        box_pos_m=randomization.box_pos_noise_m,
    )
    actor = {
        name: term.with_sensor_noise(sensors, config.control_dt_s)
        for name, term in config.observations["actor"].items()
    }
    return replace(
        config,
        events={**config.events, **_events(config, randomization)},
        observations={**config.observations, "actor": actor},
    )


def drawn_in_words(config: EnvConfig, drawn: Mapping[str, Float32]) -> dict[str, dict[str, float]]:
    """Return min, mean and max of what randomising events drew (`Env.drawn`), in the units of the configuration."""
    nominal = {f"box_mass_kg.{box.name}": box.mass_kg for box in config.sim.boxes}
    nominal |= {f"box_size_m.{box.name}": box.size_m for box in config.sim.boxes}
    found: dict[str, dict[str, float]] = {}
    for event, values in drawn.items():
        name = event.removeprefix(PREFIX)
        real = to_numpy(values).astype(np.float64) * nominal.get(name, 1.0)
        found[name] = {"min": float(real.min()), "mean": float(real.mean()), "max": float(real.max())}
    return found


def _events(config: EnvConfig, wanted: DomainRandomization) -> dict[str, EventTerm]:
    """Return the events that are needed, those that change nothing left out."""
    robot, boxes = config.robot, config.sim.boxes
    links = tuple(link.name for link in robot.links)
    pads = tuple(shape.name for shape in robot.collisions if shape.material == "pad")
    factors = {
        "link_mass": ("body_mass", wanted.link_mass, links),
        "servo_stiffness": ("actuator_stiffness", wanted.servo_stiffness, robot.joint_names),
        "joint_damping": ("dof_damping", wanted.joint_damping, robot.joint_names),
        "joint_friction": ("dof_frictionloss", wanted.joint_friction, robot.joint_names),
        "joint_armature": ("dof_armature", wanted.joint_armature, robot.joint_names),
    }
    if boxes:
        factors["box_friction"] = ("geom_friction", wanted.box_friction, tuple(box.name for box in boxes))
    if boxes and pads:
        factors["jaw_friction"] = ("geom_friction", wanted.jaw_friction, pads)
    for box in boxes:
        factors |= _box_factors(box, wanted)
    terms: dict[str, RandomizingTerm] = {
        name: ScaleModel(field=model_field, factor=factor, names=tuple(names))
        for name, (model_field, factor, names) in factors.items()
        if factor != UNCHANGED
    }
    if wanted.joint_offset_rad != Range(0.0, 0.0):
        terms["joint_offset_rad"] = JointOffset(offset_rad=wanted.joint_offset_rad)
    if wanted.action_delay_s != Range(0.0, 0.0):
        terms["action_delay_s"] = ActionDelay(delay_s=wanted.action_delay_s)
    if wanted.measurement_delay_s != Range(0.0, 0.0):
        terms["measurement_delay_s"] = MeasurementDelay(delay_s=wanted.measurement_delay_s)
    return {PREFIX + name: term for name, term in terms.items()}


def _box_factors(box: Box, wanted: DomainRandomization) -> dict[str, tuple[str, Range, tuple[str, ...]]]:
    mass, size = wanted.box_mass_kg, wanted.box_size_m
    return {
        f"box_mass_kg.{box.name}": ("body_mass", Range(mass.low / box.mass_kg, mass.high / box.mass_kg), (box.name,)),
        f"box_size_m.{box.name}": ("box_size", Range(size.low / box.size_m, size.high / box.size_m), (box.name,)),
    }


def _words(span: Range) -> str:
    return f"{span.low} to {span.high}"
