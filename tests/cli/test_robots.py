"""The arms can be listed, shown and exported; files of the user are not overwritten."""

import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.console import Console

from roarm_lab.cli.main import main
from roarm_lab.cli.robots import show
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.table import ROBOTS


def test_list_has_one_line_for_each_arm(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["robots", "list"]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == list(ROBOTS)


def test_show_prints_limits_servo_mass_and_keyframes() -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    show(ROARM_M3, console)
    text = console.export_text()
    lines = [line.split() for line in text.splitlines()]
    joint = ROARM_M3.joint("gripper")
    # 2.94 N m stall torque, of which the firmware allows 30 %; damping 2.94 / 4.712 rad/s.
    expected = ["gripper", f"{joint.lower_rad:.4f}", f"{joint.upper_rad:.4f}", f"{joint.max_speed_rad_s:g}"]
    assert [*expected, "0.882", "18", "0.624"] in lines
    assert ["home", *(f"{angle:.3f}" for angle in ROARM_M3.keyframe("home"))] in lines
    assert "1.021 kg" in text  # the mass of the vendor's link list


def test_an_unknown_arm_gets_the_closest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["robots", "show", "roarm_m4"]) == 2
    assert "no robot named 'roarm_m4'. Did you mean 'roarm_m3'?" in capsys.readouterr().err


@pytest.mark.parametrize(("fmt", "root"), [("mjcf", "mujoco"), ("urdf", "robot")])
def test_export_writes_a_model_and_refuses_to_overwrite_one(
    fmt: str, root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models" / "arm.xml"
    words = ["robots", "export", "roarm_m3", "--format", fmt, str(out)]
    assert main(words) == 0
    assert capsys.readouterr().out == f"wrote {out}\n"
    assert ET.parse(out).getroot().tag == root
    out.write_text("mine")
    assert main(words) == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main([*words, "--overwrite"]) == 0
    assert ET.parse(out).getroot().tag == root


def test_export_of_an_unknown_format_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["robots", "export", "roarm_m3", "--format", "step", str(tmp_path / "a")]) == 2
    assert "mjcf" in capsys.readouterr().err


def test_without_an_action_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["robots"]) == 0
    assert "export" in capsys.readouterr().out
