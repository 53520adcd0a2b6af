"""Load a URDF with Pinocchio and print the poses of two links at joint angles from a file, as 4 x 4 matrices."""

import json
import sys
from pathlib import Path

import pinocchio

model = pinocchio.buildModelFromUrdf(sys.argv[1])
data, poses = model.createData(), {"hand_tcp": [], "grasp": []}
for angles in json.loads(Path(sys.argv[2]).read_text()):
    configuration = pinocchio.neutral(model)
    for name, angle in angles.items():
        configuration[model.joints[model.getJointId(name)].idx_q] = angle
    pinocchio.framesForwardKinematics(model, data, configuration)
    for link, found in poses.items():
        found.append(data.oMf[model.getFrameId(link)].homogeneous.tolist())
print(json.dumps({"poses": poses, "effort": model.effortLimit.tolist()}))
