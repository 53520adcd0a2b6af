"""What a policy's contract says, and which change of a task shows in which part of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from roarm_lab.core.configs import Range
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.mdp.actions import JointDelta
from roarm_lab.mdp.curriculum import RampWeight
from roarm_lab.mdp.events import PushJoints, ScaleModel, StartPose
from roarm_lab.mdp.from_contract import action_terms, command_terms, observation_terms, success_term
from roarm_lab.mdp.observations import JointPos, JointVel
from roarm_lab.mdp.terminations import SiteBelow
from roarm_lab.policies.contract_keys import compared
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import SimConfig
from roarm_lab.sim.mujoco_cpu import compile_model
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach

REACH, LIFT = reach(), lift_cube()


def actor(config: EnvConfig = REACH, **terms: Any) -> dict[str, Any]:
    return {"actor": {**config.observations["actor"], **terms}}


def heavier(robot: Robot) -> Robot:
    link = replace(robot.links[3], mass_kg=robot.links[3].mass_kg + 1e-3)
    return replace(robot, links=(*robot.links[:3], link, *robot.links[4:]))


def faster(robot: Robot) -> Robot:
    joint = replace(robot.joints[1], max_speed_rad_s=2.0)
    return replace(robot, joints=(robot.joints[0], joint, *robot.joints[2:]))


MASS = ScaleModel(field="body_mass", factor=Range(0.9, 1.1))
REWARDS = dict(REACH.rewards)
SWAPPED = {"actor": dict(reversed(REACH.observations["actor"].items()))}
CHANGES: dict[str, tuple[EnvConfig, set[str]]] = {
    "a reward's weight": (
        replace(REACH, rewards=REWARDS | {"near": replace(REWARDS["near"], weight=0.5)}),
        {"rewards"},
    ),
    "no reward": (replace(REACH, rewards={}), {"rewards"}),
    "a curriculum": (replace(REACH, curriculum={"ramp": RampWeight(reward="near", steps=9)}), {"rewards"}),
    "random ages": (replace(REACH, random_age=True), set()),
    "threads": (replace(REACH, sim=SimConfig(threads=3)), set()),
    "control rate": (replace(REACH, control_dt_s=0.1), {"interface", "task"}),
    "episode": (replace(REACH, episode_s=3.0), {"interface", "task"}),
    "a scale": (replace(REACH, observations=actor(joint_vel=JointVel(scale=0.3))), {"interface", "task"}),
    "a delay": (replace(REACH, observations=actor(joint_pos=JointPos(delay_s=0.05))), {"interface", "task"}),
    "noise": (replace(REACH, observations=actor(joint_pos=JointPos(noise_std=0.01))), {"randomization"}),
    "order of observations": (replace(REACH, observations=SWAPPED), {"interface"}),
    "an observation more": (replace(REACH, observations=actor(again=JointPos())), {"interface", "task"}),
    "a critic": (
        replace(REACH, observations={**REACH.observations, "critic": {"joint_pos": JointPos()}}),
        {"task"},
    ),
    "action step": (replace(REACH, actions={"joints": JointDelta(step_rad=0.1)}), {"interface", "task"}),
    "success distance": (replace(REACH, success=replace(REACH.success, within_m=0.03)), {"interface", "task"}),
    "start": (replace(REACH, events={"start": StartPose(spread_rad=0.2)}), {"interface", "task"}),
    "kicks": (replace(REACH, events={**REACH.events, "push": PushJoints(interval_s=1.0)}), {"task"}),
    "a termination": (replace(REACH, terminations={"low": SiteBelow()}), {"task"}),
    "a random mass": (replace(REACH, events={**REACH.events, "mass": MASS}), {"randomization"}),
    "a mass": (replace(REACH, robot=heavier(ROARM_M3)), {"model"}),
    "the physics step": (replace(REACH, sim=SimConfig(physics_dt_s=0.0025)), {"model"}),
    "a joint's speed limit": (replace(REACH, robot=faster(ROARM_M3)), {"interface"}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_shows_where_it_should_and_nowhere_else(what: str) -> None:
    config, expected = CHANGES[what]
    before, after = hashes_of(REACH), hashes_of(config)
    changed = {name for name in before if before[name] != after[name]}
    if json.dumps(compared(interface_of(REACH))) != json.dumps(compared(interface_of(config))):
        changed.add("interface")
    assert changed == expected


def test_another_range_of_a_random_mass_is_another_randomisation() -> None:
    one = replace(REACH, events={**REACH.events, "mass": MASS})
    other = replace(REACH, events={**REACH.events, "mass": replace(MASS, factor=Range(0.8, 1.2))})
    assert hashes_of(one)["randomization"] != hashes_of(other)["randomization"]
    assert hashes_of(one)["model"] == hashes_of(other)["model"]


def test_hashes_are_the_same_whenever_they_are_made() -> None:
    assert hashes_of(reach()) == hashes_of(reach())
    assert set(hashes_of(REACH)) == {"model", "task", "randomization", "rewards"}
    assert all(len(value) == 64 for value in hashes_of(REACH).values())


def test_the_interface_is_plain_json() -> None:
    face = interface_of(REACH)
    assert json.loads(json.dumps(face, allow_nan=False)) == face


def test_the_interface_says_names_order_units_and_sizes() -> None:
    face = interface_of(REACH)
    assert (face["robot"], face["task"], face["control_dt_s"]) == ("roarm_m3", "reach", 0.05)
    assert [joint["name"] for joint in face["joints"]] == list(ROARM_M3.joint_names)
    assert [entry["name"] for entry in face["observations"]] == list(REACH.observations["actor"])
    joint_vel = face["observations"][1]
    assert joint_vel["components"] == list(ROARM_M3.joint_names)
    assert (joint_vel["unit"], joint_vel["source"], joint_vel["size"]) == ("rad/s", "derived", 6)
    assert joint_vel["params"]["scale"] == 0.2
    assert "noise_std" not in joint_vel["params"]  # the world's business, not the policy's
    assert face["actions"][0]["joints"] == list(ROARM_M3.joint_names)
    assert face["output"]["shape"] == ["batch", "step", 6]
    assert (face["output"]["low"], face["output"]["high"]) == (-1.0, 1.0)
    assert face["commands"]["goal"]["size"] == 3
    assert [entry["kind"] for entry in face["start"]] == ["StartPose"]
    assert face["keyframes"]["task_start"] == list(ROARM_M3.keyframe("task_start"))
    assert face["success"]["params"]["within_m"] == 0.02


def test_every_term_in_the_interface_says_what_it_means() -> None:
    low = {"low": SiteBelow(height_m=0.01)}
    face, scene = interface_of(replace(LIFT, terminations=low)), LIFT.scene()
    terms = [*face["observations"], *face["actions"], *face["commands"].values(), *face["start"], face["success"]]
    expected = [*LIFT.observations["actor"].values(), *LIFT.actions.values(), *LIFT.commands.values()]
    expected += [*LIFT.events.values(), LIFT.success]
    assert [term["meaning"] for term in terms] == [term.meaning(scene) for term in expected]
    assert face["terminations"] == [
        {
            "name": "low",
            "kind": "SiteBelow",
            "params": {"site": "hand_tcp", "height_m": 0.01},
            "meaning": low["low"].meaning(scene),
        }
    ]


def test_the_interface_says_how_a_box_touches_and_what_grips_it() -> None:
    face, model = interface_of(LIFT), compile_model(LIFT.robot, LIFT.sim)
    (box,), geom = face["boxes"], model.geom("cube")
    assert (box["size_m"], box["mass_kg"]) == (0.03, 0.03)
    assert box["contact"]["friction"] == [0.8, 0.005, 0.0001]
    for name in ("contype", "conaffinity", "condim"):
        assert box["contact"][name] == getattr(geom, name)[0]
        assert type(box["contact"][name]) is int
    assert face["gripping_faces"] == {
        "link5": ["fixed_jaw_right", "fixed_jaw_left"],
        "gripper_link": ["moving_jaw_right", "moving_jaw_left"],
    }


def test_the_interface_says_frames_limits_and_the_order_of_an_episode() -> None:
    said = interface_of(LIFT)["meanings"]
    assert set(said) == {"world", "joints", "limits", "boxes", "observations", "output", "episode"}
    assert "60 control steps" in said["episode"]
    assert "10 physics steps of 0.005 s" in said["episode"]
    assert "Braking" in said["limits"]


def test_history_counts_in_the_size() -> None:
    config = replace(REACH, observations=actor(joint_pos=JointPos(history_s=0.1)))
    assert interface_of(config)["observations"][0]["size"] == 18


def test_the_terms_come_back_from_the_interface() -> None:
    face = json.loads(json.dumps(interface_of(REACH)))
    assert observation_terms(face["observations"]) == dict(REACH.observations["actor"])
    assert list(observation_terms(face["observations"])) == list(REACH.observations["actor"])
    assert action_terms(face["actions"]) == dict(REACH.actions)
    assert command_terms(face["commands"]) == dict(REACH.commands)
    assert success_term(face["success"]) == REACH.success
