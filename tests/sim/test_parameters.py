"""The physical parameters written into records are the compiled model's, and tell models apart."""

import json
from dataclasses import replace

import pytest

from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import SimConfig
from roarm_lab.sim.parameters import physical_parameters


def heavier(robot: Robot) -> Robot:
    """Return the robot with one gram more in its third link."""
    link = robot.links[2]
    return replace(robot, links=(*robot.links[:2], replace(link, mass_kg=link.mass_kg + 1e-3), *robot.links[3:]))


def test_they_are_the_numbers_of_the_facts() -> None:
    found = physical_parameters(ROARM_M3, SimConfig())
    assert sum(found["body_mass"]) == pytest.approx(1.021, abs=1e-3)
    assert found["body_mass"][1:] == [link.mass_kg for link in ROARM_M3.links]  # body 0 is the world
    assert [row[0] for row in found["actuator_gainprm"]] == [18.0, 36.0, 18.0, 18.0, 18.0, 18.0]
    assert found["options"]["timestep"] == 0.005
    assert found["options"]["gravity"] == [0.0, 0.0, -9.81]
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("robot", "config", "changed"),
    [
        (heavier(ROARM_M3), SimConfig(), {"body_mass"}),
        (ROARM_M3, SimConfig(physics_dt_s=0.002), {"options"}),
        (ROARM_M3, SimConfig(dry_friction=False), {"dof_frictionloss"}),
        (ROARM_M3, SimConfig(threads=3), set()),
        (replace(ROARM_M3, visuals=()), SimConfig(), set()),
        (replace(ROARM_M3, collisions=ROARM_M3.collisions[:-1]), SimConfig(), "geoms"),
    ],
    ids=["mass", "time step", "friction", "threads", "looks", "collision shape"],
)
def test_a_change_shows_where_it_was_made(robot: Robot, config: SimConfig, changed: set[str] | str) -> None:
    before, after = physical_parameters(ROARM_M3, SimConfig()), physical_parameters(robot, config)
    differing = {name for name in before if before[name] != after[name]}
    if changed == "geoms":
        assert {"geom_pos", "geom_size"} <= differing
        assert all(name.startswith("geom") for name in differing)
    else:
        assert differing == changed


def test_the_last_digits_of_another_computation_do_not_make_another_model() -> None:
    link = ROARM_M3.links[2]
    nudged = replace(link, mass_kg=link.mass_kg * (1.0 + 1e-12))
    robot = replace(ROARM_M3, links=(*ROARM_M3.links[:2], nudged, *ROARM_M3.links[3:]))
    assert physical_parameters(robot, SimConfig()) == physical_parameters(ROARM_M3, SimConfig())
