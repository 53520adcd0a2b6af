"""Load an MJCF with Newton and print what it knows about the servos."""

import json
import sys

import newton

builder = newton.ModelBuilder()
builder.add_mjcf(sys.argv[1])
model = builder.finalize(device="cpu")
fields = {
    "stiffness": model.joint_target_ke,
    "servo_damping": model.joint_target_kd,
    "effort_limit": model.joint_effort_limit,
    "armature": model.joint_armature,
    "friction": model.joint_friction,
    "lower": model.joint_limit_lower,
    "upper": model.joint_limit_upper,
}
print(json.dumps({name: values.numpy().tolist() for name, values in fields.items()}))
