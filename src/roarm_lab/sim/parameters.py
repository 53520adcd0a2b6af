"""The physical parameters that a model really has, after compilation: for records and for the model's hash."""

from typing import Any

import numpy as np

from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import SimConfig

DIGITS = 7
"""Significant digits kept, so that the last bits of another MuJoCo version do not make another model."""
OPTIONS = (
    "timestep", "gravity", "impratio", "iterations", "ls_iterations", "noslip_iterations", "integrator", "cone",
    "solver", "jacobian", "disableflags", "enableflags",
)  # fmt: skip
FIELDS = (
    "body_parentid", "body_pos", "body_quat", "body_mass", "body_ipos", "body_iquat", "body_inertia", "jnt_axis",
    "jnt_range", "dof_damping", "dof_armature", "dof_frictionloss", "dof_solref", "dof_solimp", "geom_bodyid",
    "geom_type", "geom_size", "geom_pos", "geom_quat", "geom_friction", "geom_solref", "geom_solimp", "geom_condim",
    "geom_contype", "geom_conaffinity", "geom_priority", "exclude_signature", "actuator_trnid", "actuator_gainprm",
    "actuator_biasprm", "actuator_ctrlrange", "actuator_forcerange",
)  # fmt: skip
"""Without what only shows in pictures, and without limits of sizes."""
CONTACT = (
    "friction", "condim", "contype", "conaffinity", "priority", "solref", "solimp", "solmix", "margin", "gap",
)  # fmt: skip
"""Attributes of a geom that say how it touches others."""


def physical_parameters(robot: Robot, config: SimConfig) -> dict[str, Any]:
    """Return options and arrays of the compiled model as plain lists, rounded to `DIGITS` significant digits."""
    from roarm_lab.sim.mujoco_cpu import compile_model  # noqa: PLC0415 (MuJoCo is loaded only when it is used)

    model = compile_model(robot, config)
    options = {name: _rounded(getattr(model.opt, name)) for name in OPTIONS}
    return {"options": options, **{name: _rounded(getattr(model, name)) for name in FIELDS}}


def box_contacts(robot: Robot, config: SimConfig) -> dict[str, dict[str, Any]]:
    """Return for each box on the table, by name, how it touches: attributes of its geom as MuJoCo names them."""
    if not config.boxes:
        return {}
    from roarm_lab.sim.mujoco_cpu import compile_model  # noqa: PLC0415 (MuJoCo is loaded only when it is used)

    model = compile_model(robot, config)
    return {
        box.name: {name: _attribute(getattr(model.geom(box.name), name)) for name in CONTACT} for box in config.boxes
    }


def _attribute(values: Any) -> Any:
    """Return an attribute as a file has it: one number alone, and whole numbers as such."""
    array = np.asarray(values).squeeze()
    return array.tolist() if array.dtype.kind == "i" else _rounded(array)


def _rounded(values: Any) -> Any:
    array = np.asarray(values, dtype=np.float64)
    texts = [float(f"{value:.{DIGITS}g}") for value in array.ravel().tolist()]
    return np.reshape(texts, array.shape).tolist()
