"""Exported files are whole, loadable by MuJoCo alone, and never written over another unasked."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.builder import scene_spec
from roarm_lab.sim.export import export_mjcf, export_robot


def test_the_exported_scene_is_the_scene(tmp_path: Path) -> None:
    path = export_mjcf(ROARM_M3, tmp_path / "arm.xml")
    loaded, ours = mujoco.MjModel.from_xml_path(str(path)), scene_spec(ROARM_M3).compile()
    assert loaded.geom("table").type[0] == mujoco.mjtGeom.mjGEOM_PLANE
    for field in ("body_mass", "body_inertia", "dof_damping", "dof_frictionloss", "actuator_forcerange", "key_qpos"):
        np.testing.assert_allclose(getattr(loaded, field), getattr(ours, field), rtol=1e-15)
    for option in ("timestep", "impratio", "iterations", "ls_iterations", "cone", "integrator", "solver", "jacobian"):
        assert getattr(loaded.opt, option) == getattr(ours.opt, option)
    for model in (data := [mujoco.MjData(loaded), mujoco.MjData(ours)]):
        model.qpos[:] = ROARM_M3.keyframe("task_start")
    mujoco.mj_step(loaded, data[0], 50)
    mujoco.mj_step(ours, data[1], 50)
    np.testing.assert_allclose(data[0].qpos, data[1].qpos, atol=1e-12)


def test_the_urdf_loads_as_well(tmp_path: Path) -> None:
    path = export_robot(ROARM_M3, "urdf", tmp_path / "deep" / "arm.urdf")
    assert mujoco.MjModel.from_xml_path(str(path)).nq == 6


@pytest.mark.parametrize("fmt", ["mjcf", "urdf"])
def test_an_existing_file_is_kept_unless_overwriting_is_asked_for(tmp_path: Path, fmt: str) -> None:
    path = tmp_path / "arm.xml"
    path.write_text("mine")
    with pytest.raises(BadInputError, match="arm.xml exists already"):
        export_robot(ROARM_M3, fmt, path)
    assert path.read_text() == "mine"
    export_robot(ROARM_M3, fmt, path, overwrite=True)
    assert "roarm_m3" in path.read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["arm.xml"]


def test_an_unknown_format_gets_the_closest_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no format named 'mjfc'. Did you mean 'mjcf'"):
        export_robot(ROARM_M3, "mjfc", tmp_path / "arm.xml")
