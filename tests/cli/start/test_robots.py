"""The arms can be listed, shown and exported; files of the user are not overwritten."""

import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.console import Console

from roarm_lab.cli.main import main
from roarm_lab.cli.start.robots import show
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


@pytest.mark.parametrize("width", [30, 60, 80])
def test_show_keeps_every_digit_on_a_narrow_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["robots", "show", "roarm_m3"]) == 0
    text = capsys.readouterr().out
    assert "…" not in text
    for joint in ROARM_M3.joints:
        assert {joint.name, f"{joint.lower_rad:.4f}", f"{joint.upper_rad:.4f}"} <= set(text.split())
    for name, angles in ROARM_M3.keyframes:
        assert [name, *(f"{angle:.3f}" for angle in angles)] in [line.split() for line in text.splitlines()]
    assert max(map(len, text.splitlines())) <= max(60, width)


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


@pytest.mark.parametrize(("name", "root"), [("arm.xml", "mujoco"), ("arm.MJCF", "mujoco"), ("arm.urdf", "robot")])
@pytest.mark.parametrize("arm", [["roarm_m3"], []])
def test_export_takes_the_format_from_the_name(name: str, root: str, arm: list[str], tmp_path: Path) -> None:
    assert main(["robots", "export", *arm, str(tmp_path / name)]) == 0
    assert ET.parse(tmp_path / name).getroot().tag == root


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["roarm_m3", "arm.step"], "add --format mjcf or --format urdf"),
        (["arm"], "does not say which format"),
        (["roarm_m3"], "into which file"),
        (["arm.urdf", "--contact", "hold"], "can not say how things touch"),
    ],
)
def test_export_says_what_is_missing_and_writes_nothing(
    words: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["robots", "export", *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_contact_of_the_simulator_can_be_exported(tmp_path: Path) -> None:
    noslip = {}
    for contact in ("train", "hold"):
        assert main(["robots", "export", str(tmp_path / f"{contact}.xml"), "--contact", contact]) == 0
        option = ET.parse(tmp_path / f"{contact}.xml").find("option")
        assert option is not None
        noslip[contact] = int(option.get("noslip_iterations", 0))
    assert noslip == {"train": 0, "hold": 3}


def test_without_an_action_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["robots"]) == 0
    assert "export" in capsys.readouterr().out
