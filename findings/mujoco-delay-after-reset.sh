#!/usr/bin/env bash
# MuJoCo 4.0.0: after a reset to a keyframe a delayed servo first obeys 0, not the keyframe's target.
#
# One would guess: a keyframe with `qpos` and `ctrl` at the same angle is an arm at rest, and stays at rest: the delay has
# nothing to wait for.
#
# What happens: the buffer of past targets begins with zeros, whatever the keyframe's `ctrl` says. For the length of the
# delay the servo pulls towards 0 with its full stiffness, and the arm leaves its pose. Without the delay it stays.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check mujoco==4.0.0
cat >rest.py <<'PY'
import mujoco

MODEL = """
<mujoco>
  <option timestep="0.01"/>
  <worldbody><body><joint name="hinge" axis="0 1 0" damping="1"/><geom size="0.1"/></body></worldbody>
  <actuator><position joint="hinge" kp="50" {}/></actuator>
  <keyframe><key qpos="1" ctrl="1"/></keyframe>
</mujoco>"""


def motion(attributes):
    model = mujoco.MjModel.from_xml_string(MODEL.format(attributes))
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 0)
    angles, forces = [], []
    for _ in range(20):
        mujoco.mj_step(model, data)
        angles.append(float(data.qpos[0]))
        forces.append(float(data.actuator_force[0]))
    return angles, forces


print("MuJoCo", mujoco.__version__)
angles, forces = motion("")
print(f"no delay:     first force {forces[0]:7.2f}, angles {min(angles):.3f} to {max(angles):.3f} rad")
assert forces[0] == 0.0 and set(angles) == {1.0}
angles, forces = motion('delay="0.1" nsample="10"')
print(f"delay 0.1 s:  first force {forces[0]:7.2f}, angles {min(angles):.3f} to {max(angles):.3f} rad")
assert forces[0] == -50.0  # the whole way to 0, times the stiffness
assert min(angles) < 0.0
PY
venv/bin/python rest.py
echo "as described"
