"""What a policy trained in an environment expects and gives, and on what it was trained: the parts of its contract."""

from dataclasses import replace
from typing import Any

from roarm_lab.core.configs import to_plain
from roarm_lab.core.files import canonical_json, sha256_of
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.meanings import meanings_of
from roarm_lab.mdp.events import RandomizingTerm
from roarm_lab.mdp.groups import ActionGroup, ObservationGroup
from roarm_lab.mdp.meaning import ExplainedTerm
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import ObservationTerm
from roarm_lab.robots.interface import interface_of_robot
from roarm_lab.sim.parameters import box_contacts, physical_parameters


def interface_of(config: EnvConfig) -> dict[str, Any]:
    """Return names, order, units, rate and shapes of what a policy of this task takes and gives, as plain data."""
    scene, robot = config.scene(), config.robot
    actor = config.observations["actor"]
    sizes, of_robot = ObservationGroup(actor, scene).sizes, interface_of_robot(robot)
    return {
        "robot": of_robot["robot"],
        "task": config.task,
        "control_dt_s": config.control_dt_s,
        "episode_s": config.episode_s,
        "joints": of_robot["joints"],
        "boxes": _boxes(config),
        "observations": [_observation(name, term, scene, sizes[name]) for name, term in actor.items()],
        "actions": [
            {
                "name": name,
                "size": term.size(scene),
                "joints": [robot.joint_names[index] for index in term.joints(scene)],
                **_term(term, scene),
            }
            for name, term in config.actions.items()
        ],
        "output": {
            "name": "action",
            "shape": ["batch", "step", ActionGroup(config.actions, scene).size],
            "low": -1.0,
            "high": 1.0,
            "step_s": config.control_dt_s,
        },
        "commands": {name: {"size": term.size, **_term(term, scene)} for name, term in config.commands.items()},
        "start": [
            _term(term, scene)
            for term in config.events.values()
            if term.mode == "reset" and not isinstance(term, RandomizingTerm)
        ],
        "keyframes": of_robot["keyframes"],
        "terminations": [{"name": name, **_term(term, scene)} for name, term in config.terminations.items()],
        "success": _term(config.success, scene),
        "gripping_faces": scene.gripping_faces,
        "meanings": meanings_of(config),
    }


def physics_of(config: EnvConfig) -> dict[str, Any]:
    """Return the physical parameters that are really simulated, as plain data."""
    return physical_parameters(config.robot, config.sim)


def hashes_of(config: EnvConfig) -> dict[str, str]:
    """Return the hashes that tell drift: of the physical model, of the task without rewards, of the randomisation."""
    random, noise = randomization_of(config)
    task = replace(
        config,
        task=config.name,  # a file may lie elsewhere
        rewards={},
        curriculum={},
        random_age=False,
        events={name: term for name, term in config.events.items() if name not in random},
        observations={
            group: {name: replace(term, noise_std=0.0) for name, term in terms.items()}
            for group, terms in config.observations.items()
        },
    )
    plain = to_plain(task)
    # Which simulator, with how many threads, and what its model is, do not belong to the task.
    for part in ("robot", "sim"):
        plain.pop(part)
    return {
        "model": _hash(physics_of(config)),
        "task": _hash(plain),
        "randomization": _hash(to_plain({**random, **noise})),
        "rewards": _hash(to_plain({"rewards": config.rewards, "curriculum": config.curriculum})),
    }


def randomization_of(config: EnvConfig) -> tuple[dict[str, RandomizingTerm], dict[str, float]]:
    """Return by what worlds and what is seen of them differ: events by name, noise by group and term."""
    events = {name: term for name, term in config.events.items() if isinstance(term, RandomizingTerm)}
    noise = {
        f"noise of {group}.{name}": term.noise_std
        for group, terms in config.observations.items()
        for name, term in terms.items()
        if term.noise_std > 0.0
    }
    return events, noise


def _observation(name: str, term: ObservationTerm, scene: Scene, size: int) -> dict[str, Any]:
    return {
        "name": name,
        "source": term.source,
        "unit": term.unit,
        "components": list(term.components(scene)),
        "size": size,
        **_term(term, scene),
    }


def _boxes(config: EnvConfig) -> list[dict[str, Any]]:
    contacts = box_contacts(config.robot, config.sim)
    return [
        {"name": box.name, "size_m": box.size_m, "mass_kg": box.mass_kg, "contact": contacts[box.name]}
        for box in config.sim.boxes
    ]


def _term(term: ExplainedTerm, scene: Scene) -> dict[str, Any]:
    return {"kind": type(term).__name__, "params": _params(term), "meaning": term.meaning(scene)}


def _params(term: object) -> dict[str, Any]:
    plain = to_plain(term)
    return {key: value for key, value in plain.items() if key not in ("kind", "noise_std")}


def _hash(plain: object) -> str:
    return sha256_of(canonical_json(plain))
