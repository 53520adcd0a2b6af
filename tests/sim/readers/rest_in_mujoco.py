"""Load an MJCF with MuJoCo alone, let the arm rest at every keyframe and print where its joints are [rad]."""

import json
import sys

import mujoco

model = mujoco.MjModel.from_xml_path(sys.argv[1])
data = mujoco.MjData(model)
rest = {}
for index in range(model.nkey):
    mujoco.mj_resetDataKeyframe(model, data, index)
    mujoco.mj_step(model, data, 1000)
    rest[model.key(index).name] = data.qpos.tolist()
print(json.dumps({"version": mujoco.__version__, "rest": rest}))
