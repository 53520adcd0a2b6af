"""`roarm doctor` in the terminal: tables, JSON, exit codes, and what to type as it is typed."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from roarm_lab.cli.main import main
from roarm_lab.cli.start import doctor
from roarm_lab.core.findings import State
from roarm_lab.hardware.diagnosis import Finding
from roarm_lab.workflows.devices import diagnose_arm
from roarm_lab.workflows.devices.arm_target import ArmTarget
from roarm_lab.workflows.devices.diagnose_arm import Diagnosis
from roarm_lab.workflows.start import check_install
from roarm_lab.workflows.start.check_install import Row

WELL = Finding(cause="connection", state=State.FINE, says="an arm answers", evidence="35 readings a second")
LOST = Finding(
    cause="servo-lost",
    state=State.BAD,
    says="servo 15 (wrist) does not answer",
    evidence="5 of 6 have torque",
    next="check its cable, then: `recover_arm()`",
)


def test_json_is_for_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row("numpy", State.FINE, "2.4.6"), Row("torch", State.NOTE, "not installed", "pip install x")]
    monkeypatch.setattr(check_install, "check_all", lambda: rows)
    assert doctor.run(["--json"]) == 0  # a note does no harm
    got: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert got["fine"] is True
    assert got["rows"] == [
        {"name": "numpy", "state": "fine", "found": "2.4.6", "type_this": ""},
        {"name": "torch", "state": "note", "found": "not installed", "type_this": "pip install x"},
    ]
    assert got["machine"]["python"].startswith("3.")


def test_one_bad_row_makes_the_exit_code_3_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [Row("mujoco", State.BAD, "not installed", "pip install mujoco"), Row("numpy", State.FINE, "2.4.6")]
    monkeypatch.setattr(check_install, "check_all", lambda: bad)
    assert doctor.run([]) == 3
    out = capsys.readouterr().out
    assert "mujoco: pip install mujoco\n" in out
    assert "1 of 2 rows need repair." in out


def test_what_to_type_is_never_broken_into_lines_and_said_once() -> None:
    command = "pip install " + "a-long-name-of-a-package " * 8
    console = Console(width=60, record=True, file=io.StringIO())
    rows = tuple(Row(name, State.NOTE, "missing", command) for name in ("torch", "onnx"))
    doctor.show(check_install.InstallReport(rows=rows, machine={}), console)
    assert f"torch, onnx: {command}" in console.export_text()


def test_the_doctor_needs_no_package_under_test_to_start() -> None:
    """It must still answer where MuJoCo, NumPy or ONNX Runtime is broken."""
    code = "import sys, roarm_lab.cli.start.doctor; sys.exit(str(sorted(set(sys.modules) & set(sys.argv[1:]))))"
    heavy = ["numpy", "mujoco", "gymnasium", "onnxruntime", "torch", "yaml"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[ArmTarget]]:
    """Return a function that lets every diagnosis find the same; it returns the list of arms asked for from then on."""

    def always(*findings: Finding) -> list[ArmTarget]:
        asked = list[ArmTarget]()

        def diagnose(target: ArmTarget, frontend: object) -> Diagnosis:
            asked.append(target)
            return Diagnosis(address="serial:/dev/ttyUSB0", station=None, findings=findings, machine={})

        monkeypatch.setattr(diagnose_arm, "diagnose", diagnose)
        return asked

    return always


def test_an_arm_that_can_be_driven(found: Callable[..., list[ArmTarget]], capsys: pytest.CaptureFixture[str]) -> None:
    asked = found(WELL)
    assert main(["doctor", "--arm"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "The arm at serial:/dev/ttyUSB0",
        "fine  an arm answers",
        "      measured  35 readings a second",
        "The arm can be driven.",
    ]
    assert main(["doctor", "--arm", "COM3", "--station", "x.yaml", "--json"]) == 0
    assert asked == [ArmTarget(), ArmTarget(arm="COM3", station=Path("x.yaml"))]


def test_what_is_wrong_with_an_arm_is_said_with_what_to_type(
    found: Callable[..., list[ArmTarget]], capsys: pytest.CaptureFixture[str]
) -> None:
    found(LOST, WELL)
    assert main(["doctor", "--arm"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [
        "bad   servo 15 (wrist) does not answer",
        "      measured  5 of 6 have torque",
        "      next      check its cable, then: roarm arm recover",
    ]
    assert lines[-1] == "1 to repair, the first one first."
    assert main(["doctor", "--arm", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["fine"], told["address"], told["station"]) == (False, "serial:/dev/ttyUSB0", None)
    assert told["findings"][0] == {
        "cause": "servo-lost",
        "state": "bad",
        "says": "servo 15 (wrist) does not answer",
        "evidence": "5 of 6 have torque",
        "next": "check its cable, then: roarm arm recover",
    }


def test_words_that_are_no_address_are_bad_input(refused: Callable[..., str]) -> None:
    assert "is not the address of an arm" in refused("doctor", "--arm", "usb")
    assert "There is no file" in refused("doctor", "--arm", "--station", "nowhere.yaml")


def test_an_address_may_be_left_out() -> None:
    assert doctor.with_address(["--arm"]) == ["--arm="]
    assert doctor.with_address(["--arm", "--json"]) == ["--arm=", "--json"]
    assert doctor.with_address(["--arm", "serial", "--json"]) == ["--arm", "serial", "--json"]
