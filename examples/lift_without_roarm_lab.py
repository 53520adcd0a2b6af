"""Run a lift policy with nothing but ONNX Runtime and MuJoCo, following the `meaning` of every part of its contract.

roarm robots export roarm_m3 --format mjcf arm.xml
python examples/lift_without_roarm_lab.py runs/<run>/bundle arm.xml 200
"""

import json
import sys
from pathlib import Path

import mujoco
import numpy as np
import onnxruntime


class Scene:
    """The arm and its box, out of the exported model and what the contract says about the box."""

    def __init__(self, face: dict, mjcf: str) -> None:
        box, spec = face["boxes"][0], mujoco.MjSpec.from_file(mjcf)
        body = spec.worldbody.add_body(name=box["name"])
        body.add_freejoint(name=box["name"])
        cube = {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": [box["size_m"] / 2] * 3, "mass": box["mass_kg"]}
        body.add_geom(name=box["name"], **cube, **box["contact"])
        self.model = spec.compile()
        self.data, model = mujoco.MjData(self.model), self.model
        self.arm = [model.joint(joint["name"]).qposadr[0] for joint in face["joints"]]
        self.servos = [model.actuator(joint["name"]).id for joint in face["joints"]]
        self.loose, self.cube = model.joint(box["name"]).qposadr[0], model.geom(box["name"]).id
        self.box, self.site = self.data.body(box["name"]), self.data.site(site_of(face))
        self.jaws = [{model.geom(name).id for name in names} for names in face["gripping_faces"].values()]

    def put(self, joint_pos: np.ndarray, box_pose: np.ndarray) -> None:
        """Put everything at rest, the targets at the joint angles."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[self.arm] = self.data.ctrl[self.servos] = joint_pos
        self.data.qpos[self.loose : self.loose + 7] = box_pose
        mujoco.mj_kinematics(self.model, self.data)

    def hold(self, target: np.ndarray, time_s: float) -> None:
        """Hold the joint targets for a while."""
        self.data.ctrl[self.servos] = target
        mujoco.mj_step(self.model, self.data, round(time_s / self.model.opt.timestep))
        mujoco.mj_kinematics(self.model, self.data)

    @property
    def held(self) -> bool:
        """Whether every jaw touches the box."""
        pairs = [set(map(int, pair)) for pair in self.data.contact.geom]
        touched = {geom for pair in pairs if self.cube in pair for geom in pair}
        return all(touched & jaw for jaw in self.jaws)


def site_of(face: dict) -> str:
    """Return the one site that all terms speak of."""
    (name,) = {term["params"]["site"] for term in face["observations"] if "site" in term["params"]}
    return name


class Limits:
    """From wished angles to joint targets: `meanings.limits` of the contract, rule by rule."""

    def __init__(self, face: dict) -> None:
        self.dt_s, names = face["control_dt_s"], ("target_lower", "upper", "max_lead")
        self.low, self.high, self.lead = (np.array([j[f"{name}_rad"] for j in face["joints"]]) for name in names)
        self.most = np.array([joint["max_speed_rad_s"] for joint in face["joints"]]) * self.dt_s
        self.change = np.array([joint["max_accel_rad_s2"] for joint in face["joints"]]) * self.dt_s**2

    def target(self, wish: np.ndarray, sent: np.ndarray, rate: np.ndarray, pos: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the next targets and their rates."""
        gap = np.clip(wish, self.low, self.high) - sent
        n = np.floor(np.sqrt(2 * np.abs(gap) / self.change + 0.25) - 0.5)
        step = np.sign(gap) * (np.abs(gap) / (n + 1) + n * self.change / 2)
        step = np.clip(step, rate * self.dt_s - self.change, rate * self.dt_s + self.change)
        step = np.clip(step, -self.most, self.most)
        target = np.clip(np.clip(sent + step, pos - self.lead, pos + self.lead), self.low, self.high)
        pull = target - (sent + step)
        made = step + pull
        return target, np.where(made * pull > 0, 0, made / self.dt_s)


class Runner:
    """Episodes of one policy."""

    def __init__(self, bundle: Path, mjcf: str, seed: int = 7) -> None:
        self.face = json.loads((bundle / "contract.json").read_text())["interface"]
        self.policy = onnxruntime.InferenceSession(str(bundle / "policy.onnx"))
        self.scene, self.limits = Scene(self.face, mjcf), Limits(self.face)
        self.rng = np.random.default_rng(seed)

    def episode(self) -> bool:
        """Return whether the box was held at the goal until the end."""
        dt_s, success = self.face["control_dt_s"], self.face["success"]["params"]
        sent, goal = self.start()
        last, rate, action, held = sent, np.zeros(6), np.zeros(6), 0
        for _ in range(round(self.face["episode_s"] / dt_s)):
            pos = self.scene.data.qpos[self.scene.arm].copy()
            action, last = self.act(pos, last, sent, goal, action), pos
            sent, rate = self.limits.target(self.wish(action, sent), sent, rate, pos)
            self.scene.hold(sent, dt_s)
            near = np.linalg.norm(self.scene.box.xpos - goal) < success["within_m"]
            held = held + 1 if near and self.scene.held else 0
        return held >= round(success["hold_s"] / dt_s)

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """Draw the start and put everything there; return the joint angles and the goal."""
        pose, box = (term["params"] for term in self.face["start"])
        spread = np.array([pose["base_spread_rad"]] + [pose["spread_rad"]] * 5)
        ranges = np.array([[joint["lower_rad"], joint["upper_rad"]] for joint in self.face["joints"]])
        joint_pos = np.clip(self.face["keyframes"][pose["keyframe"]] + spread * self.rng.uniform(-1, 1, 6), *ranges.T)
        r = np.sqrt(self.rng.uniform(box["radius_m"]["low"] ** 2, box["radius_m"]["high"] ** 2))
        a = self.between(box["azimuth_rad"])
        half = (a + self.between(box["yaw_rad"])) / 2
        self.scene.put(joint_pos, [r * np.cos(a), r * np.sin(a), box["rest_m"], np.cos(half), 0, 0, np.sin(half)])
        goal = self.face["commands"]["goal"]["params"]
        a, r = a + self.between(goal["turn_rad"]), self.between(goal["radius_m"])
        return joint_pos, np.array([r * np.cos(a), r * np.sin(a), self.between(goal["height_m"])])

    def act(self, pos: np.ndarray, last: np.ndarray, sent: np.ndarray, goal: np.ndarray, old: np.ndarray) -> np.ndarray:
        """Return the policy's action at this moment."""
        box, site = self.scene.box, self.scene.site
        site_rot, box_rot, cos, sin = site.xmat.reshape(3, 3), box.xmat.reshape(3, 3), np.cos(pos[0]), np.sin(pos[0])
        turned = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        seen = {
            "JointPos": pos, "JointVel": (pos - last) / self.face["control_dt_s"], "TargetLead": sent - pos,
            "BoxPos": turned @ box.xpos, "BoxFromSite": turned @ (box.xpos - site.xpos),
            "BoxInSite": site_rot.T @ (box.xpos - site.xpos), "SiteApproach": turned @ site_rot[:, 0],
            "BoxAxesInSite": np.concatenate((site_rot.T @ box_rot[:, 0], site_rot.T @ box_rot[:, 2])),
            "GoalFromBox": turned @ (goal - box.xpos), "LastAction": old,
        }  # fmt: skip
        terms = self.face["observations"]
        inputs = {term["name"]: np.float32(seen[term["kind"]] * term["params"]["scale"])[None] for term in terms}
        return np.clip(self.policy.run(None, inputs)[0][0, 0], -1, 1)

    def wish(self, action: np.ndarray, sent: np.ndarray) -> np.ndarray:
        """Return the wished joint angles: steps for the arm, an opening for the gripper."""
        arm, gripper = (term["params"] for term in self.face["actions"])
        low, high = gripper["span_rad"]["low"], gripper["span_rad"]["high"]
        opening = low + (high - low) * (action[5:] + 1) / 2
        return np.concatenate((sent[:5] + arm["step_rad"] * action[:5], opening))

    def between(self, span: dict) -> float:
        """Draw a number evenly from a range."""
        return self.rng.uniform(span["low"], span["high"])


if __name__ == "__main__":
    runner, episodes = Runner(Path(sys.argv[1]), sys.argv[2]), int(sys.argv[3])
    print(json.dumps({"successes": sum(runner.episode() for _ in range(episodes)), "episodes": episodes}))
