"""Environments: a configuration, reset and step, and the Gymnasium ids (importing this room registers them)."""

from gymnasium.envs.registration import register, registry

GYMNASIUM_IDS = {"RoArm-M3/Reach-v0": "reach", "RoArm-M3/LiftCube-v0": "lift-cube"}
"""Gymnasium id to task name."""

for _id, _task in GYMNASIUM_IDS.items():
    if _id not in registry:
        register(
            id=_id,
            entry_point="roarm_lab.tasks.gymnasium_ids:single",
            vector_entry_point="roarm_lab.tasks.gymnasium_ids:vector",
            kwargs={"task": _task},
        )
