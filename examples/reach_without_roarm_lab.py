"""Run a reach policy with nothing but ONNX Runtime and MuJoCo: proof that a bundle and its contract are enough.

roarm robots export roarm_m3 --format mjcf arm.xml
python examples/reach_without_roarm_lab.py runs/<run>/bundle arm.xml 500
"""

import json
import sys
from pathlib import Path

import mujoco
import numpy as np
import onnxruntime

bundle, mjcf, episodes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
face = json.loads((bundle / "contract.json").read_text())["interface"]
policy = onnxruntime.InferenceSession(str(bundle / "policy.onnx"))
model = mujoco.MjModel.from_xml_path(mjcf)
data, rng, dt_s = mujoco.MjData(model), np.random.default_rng(7), face["control_dt_s"]
low, target_low, high, speed, accel, lead = (
    np.array([joint[key] for joint in face["joints"]])
    for key in ("lower_rad", "target_lower_rad", "upper_rad", "max_speed_rad_s", "max_accel_rad_s2", "max_lead_rad")
)
goal_spec, start, success = face["commands"]["goal"]["params"], face["start"][0]["params"], face["success"]["params"]
step_rad, site = face["actions"][0]["params"]["step_rad"], data.site(goal_spec["site"])
spread = np.array([start["base_spread_rad"]] + [start["spread_rad"]] * 5)
middle = np.array(face["keyframes"][start["keyframe"]])


def draw_goal() -> np.ndarray:
    """Return a position that the site takes somewhere above the table, clear of it."""
    while True:
        data.qpos = rng.uniform(low, high)
        mujoco.mj_kinematics(model, data)
        clear = data.xpos[1:, 2].min() >= goal_spec["clearance_m"]  # body 0 is the world
        far = np.hypot(*site.xpos[:2]) >= goal_spec["min_radius_m"]
        if clear and far and goal_spec["height_m"]["low"] <= site.xpos[2] <= goal_spec["height_m"]["high"]:
            return site.xpos.copy()


def episode() -> bool:
    """Return whether the site was held at the goal until the end."""
    goal = draw_goal()
    mujoco.mj_resetData(model, data)
    data.qpos = last = sent = np.clip(middle + spread * rng.uniform(-1, 1, 6), low, high)
    step, action, held = np.zeros(6), np.zeros(6), 0
    for turn in range(round(face["episode_s"] / dt_s) + 1):
        mujoco.mj_kinematics(model, data)
        pos, gap = data.qpos.copy(), goal - site.xpos
        held = held + 1 if turn and np.linalg.norm(gap) < success["within_m"] else 0
        c, s = np.cos(pos[0]), np.sin(pos[0])
        seen = {
            "JointPos": pos, "JointVel": (pos - last) / dt_s, "TargetLead": sent - pos, "SitePos": site.xpos,
            "GoalFromSite": np.array([c * gap[0] + s * gap[1], c * gap[1] - s * gap[0], gap[2]]),
            "GoalTurn": np.array([np.arctan2(goal[1], goal[0]) - pos[0]]), "Command": goal, "LastAction": action,
        }  # fmt: skip
        inputs = {o["name"]: np.float32(seen[o["kind"]] * o["params"]["scale"])[None] for o in face["observations"]}
        action, last = policy.run(None, inputs)[0][0, 0], pos
        step = np.clip(step_rad * action, step - accel * dt_s**2, step + accel * dt_s**2)
        wish = np.clip(sent + np.clip(step, -speed * dt_s, speed * dt_s), target_low, high)
        wish = np.clip(wish, pos - lead, pos + lead)
        step, sent, data.ctrl = wish - sent, wish, wish
        mujoco.mj_step(model, data, round(dt_s / model.opt.timestep))
    return held >= round(success["hold_s"] / dt_s)


print(json.dumps({"successes": sum(episode() for _ in range(episodes)), "episodes": episodes}))
