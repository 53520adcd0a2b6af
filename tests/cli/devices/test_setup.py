"""`roarm setup`: each step alone and all of them, what it asks, what it writes, and what it refuses."""

import builtins
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.cli.devices.setup import STEPS
from roarm_lab.cli.main import main
from roarm_lab.emulator.process import emulator_process
from roarm_lab.gateway import loop
from roarm_lab.hardware import io_thread, probe, serial_link
from roarm_lab.robots import arm
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import Station, load_station
from roarm_lab.workflows.devices import setup_motion
from tests.hardware.clips import list_camera
from tests.hardware.fake_port import APort

FILE = Path("station.yaml")
PATIENCE_S = 120.0
HOME = np.array(ROARM_M3.keyframe("home"))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than an arm's computer for everything that is timed."""
    for module, name in ((loop, "MAX_AGE_PERIODS"), (arm, "MAX_SAMPLE_AGE_S"), (serial_link, "WRITE_S")):
        monkeypatch.setattr(module, name, PATIENCE_S)
    monkeypatch.setattr(serial_link.SerialLink, "silent_s", PATIENCE_S)
    monkeypatch.setattr(io_thread, "TARGET_S", PATIENCE_S)


@pytest.fixture
def port(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[APort]:
    """Return a port in this process, at home, that answers at once."""
    for name, value in {"LISTEN_S": 0.2, "DRAIN_S": 0.1, "STREAM_S": 0.9, "QUESTIONS": 4, "SILENT_S": 0.5}.items():
        monkeypatch.setattr(probe, name, value)
    monkeypatch.setattr(setup_motion, "SETTLE_S", 0.2)
    with APort() as port:
        yield port


def setup(port: APort, *words: str) -> int:
    return main(["setup", "--arm", f"serial:{port.place}", "--listing", "nowhere", *words])


def station() -> Station:
    return load_station(FILE, ROARM_M3)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return (part of a question, answer) that a person at a terminal gives; other questions get an empty line."""
    answers = list[tuple[str, str]]()
    asked = list[str]()

    def answer(question: str) -> str:
        asked.append(question)
        assert len(asked) < 100, f"asked for ever: {question}"
        for i, (part, said) in enumerate(answers):
            if part in question:
                del answers[i]
                if said == "^C":
                    raise KeyboardInterrupt
                return said
        return ""

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "input", answer)
    return answers


def test_all_steps_without_a_question(port: APort, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("--limits", "base", "-1", "1", "elbow", "0.2", "2.5", "--stop-file", str(tmp_path / "stop"))
    assert setup(port, "--yes", *words, "--name", "bench", "--zero-deg", "base", "2") == 0
    shown = capsys.readouterr().out
    assert all(f"\n{step}: " in shown for step in STEPS)
    found = station()
    assert (found.name, found.address, found.firmware) == ("bench", f"serial:{port.place}", "2026-07-01")
    assert found.limits_rad == {"base": (-1.0, 1.0), "elbow": (0.2, 2.5)}
    assert found.stop_file == str(tmp_path / "stop")
    # It measures 0 where a person sees it 2 degrees further.
    assert found.calibration_rad == {"base": pytest.approx(-np.radians(2.0), abs=1e-3)}
    assert found.hash[:12] in shown


def test_a_step_that_was_left_out_is_not_told_as_done(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    assert setup(port, "--yes") == 0
    shown = capsys.readouterr().out
    assert "left out: nobody looks (--zero-deg says where joints stand)" in shown
    assert "left out: no camera" in shown
    assert "found by: port, firmware, servos, motion, limits, stop; left out: zero, cameras\n" in shown
    assert setup(port, "--yes", "--step", "zero") == 1
    assert "found by: no step; left out: zero\n" in capsys.readouterr().out


def test_each_joint_is_moved_a_tenth_to_and_fro(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    assert setup(port, "--yes", "--step", "motion") == 0
    told = np.array([[t["base"], t["shoulder"], t["elbow"], t["wrist"], t["roll"], t["hand"]] for t in port.targets()])
    spread = np.max(told, axis=0) - np.min(told, axis=0)
    np.testing.assert_allclose(spread, 0.1, atol=0.005)
    assert "gripper   told +0.100 rad, measured +0." in capsys.readouterr().out


def test_a_joint_that_does_not_follow_is_named(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    port.stiff = True
    assert setup(port, "--yes", "--step", "motion") == 1
    assert "The base does not follow: told up to +0.100 rad, measured +0.000" in capsys.readouterr().err
    assert not FILE.exists()


class Mirrored(APort):
    """The base turns the wrong way."""

    def _obey(self, line: bytes) -> None:
        super()._obey(line.replace(b'"base":-', b'"base":+').replace(b'"base":', b'"base":-').replace(b"-+", b""))


def test_a_joint_that_moves_the_wrong_way_is_named(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    with Mirrored() as mirrored:
        assert setup(mirrored, "--yes", "--step", "motion") == 1
    assert "The base moves the wrong way: told up to +0.100 rad, measured -0." in capsys.readouterr().err


def test_a_station_that_exists_gives_the_defaults_and_is_not_renewed_unasked(
    port: APort, person: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert setup(port, "--step", "port", "--name", "bench") == 0
    before = FILE.read_bytes()
    person.append(("exists. Renew it?", "n"))
    assert setup(port, "--step", "limits") == 1
    assert "Nothing was done." in capsys.readouterr().err
    assert FILE.read_bytes() == before
    person += [("exists. Renew it?", "y"), ("base ", "-1 1"), ("table height", "none"), ("box", "0 -1 0 1 1 1")]
    assert setup(port, "--step", "limits") == 0
    person += [("exists. Renew it?", "y"), ("elbow ", "0 3.2"), ("elbow ", "0 2")]  # asked again
    assert setup(port, "--step", "limits") == 0
    assert "must lie inside the hardware's" in capsys.readouterr().out
    found = station()
    assert (found.name, found.limits_rad) == ("bench", {"base": (-1.0, 1.0), "elbow": (0.0, 2.0)})
    assert found.table_height_m is None
    assert found.workspace_m is not None
    assert found.workspace_m.upper_w == (1.0, 1.0, 1.0)
    assert port.targets() == []


def test_where_the_arm_stands_by_eye_becomes_its_offsets(port: APort, person: list[tuple[str, str]]) -> None:
    port.wire = (0.03, 0.0, 1.5708, 0.0, 0.0, 3.1416)
    person += [("moves home", "y"), ("base ", "nonsense"), ("base ", "1"), ("wrist ", "0")]
    assert setup(port, "--step", "zero") == 0
    offsets = station().calibration_rad
    assert set(offsets) == {"base", "wrist"}  # an empty answer keeps what was there: nothing
    assert offsets["base"] == pytest.approx(-np.radians(1.0), abs=2e-3)  # home was reached first
    person += [("exists", "y"), ("moves home", "y"), ("base ", "0")]
    assert setup(port, "--step", "zero") == 0
    assert station().calibration_rad["base"] == pytest.approx(offsets["base"], abs=2e-3)  # it stands right now
    port.got.clear()
    person += [("exists", "y"), ("moves home", "n")]
    assert setup(port, "--step", "zero") == 1  # said no
    assert port.targets() == []


def test_ctrl_c_keeps_what_was_done(
    port: APort, person: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    person.append(("moves home", "^C"))
    assert setup(port) == 130
    assert station().firmware == "2026-07-01"
    assert "has what was found by: port, firmware, servos" in capsys.readouterr().out
    assert port.targets() == []


def test_an_arm_that_is_not_well_ends_the_servo_step(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    port.changes = {"torswitchE": 0}
    assert setup(port, "--yes") == 1
    captured = capsys.readouterr()
    assert "servo 14 (elbow) does not answer" in captured.err
    assert "5 of 6 have torque" in captured.out
    assert station().firmware == "2026-07-01"  # what came before is kept
    assert port.targets() == []


def test_cameras_get_names(port: APort, person: list[tuple[str, str]], tmp_path: Path) -> None:
    listing = list_camera(tmp_path, 92, "Azure Kinect 4K Camera", usb=("045e", "097d", "000123"), port="2-1")
    person.append(("its name", "front"))
    assert setup(port, "--step", "cameras", "--listing", str(listing)) == 0
    assert station().cameras == {"front": "usb:045e:097d:000123@2-1#0"}
    person.append(("exists", "y"))
    assert setup(port, "--step", "cameras", "--camera", "wrist", "usb:045e:097d") == 0
    assert station().cameras == {"front": "usb:045e:097d:000123@2-1#0", "wrist": "usb:045e:097d"}


def test_a_second_camera_of_a_known_device_is_not_taken_for_the_known_one(
    port: APort, person: list[tuple[str, str]], tmp_path: Path
) -> None:
    usb = ("0bda", "5634", "")
    list_camera(tmp_path, 92, "Webcam", usb=usb)
    listing = list_camera(tmp_path, 94, "Webcam", usb=usb, interface=2)
    person.append(("#0: its name", "front"))
    person.append(("#2: its name", "infrared"))
    assert setup(port, "--step", "cameras", "--listing", str(listing)) == 0
    assert station().cameras == {"front": "usb:0bda:5634@1-4#0", "infrared": "usb:0bda:5634@1-4#2"}


def test_a_camera_of_an_older_file_that_fits_two_is_told_with_what_to_do(
    port: APort, person: list[tuple[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usb = ("0bda", "5634", "")
    list_camera(tmp_path, 92, "Webcam", usb=usb)
    listing = list_camera(tmp_path, 94, "Webcam", usb=usb, interface=2)
    old = ("--camera", "front", "usb:0bda:5634@1-4", "side", "usb:045e:097d")
    assert setup(port, "--yes", "--step", "cameras", "--listing", str(listing), *old) == 0
    shown = capsys.readouterr().out
    assert "front: usb:0bda:5634@1-4 - careful: 2 cameras are 0bda:5634@1-4: " in shown
    assert "Add the interface." in shown
    assert "side: usb:045e:097d - not plugged in now\n" in shown
    person += [("exists", "y"), ("#0: its name", "front")]
    assert setup(port, "--step", "cameras", "--listing", str(listing)) == 0
    assert station().cameras["front"] == "usb:0bda:5634@1-4#0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--limits", "elbow", "0", "3.2"), "must lie inside the hardware's, 0 to 2.95 rad"),
        (("--limits", "base", "1", "-1"), "the lower below the upper"),
        (("--limits", "base", "nan", "1"), "must lie inside the hardware's"),
        (("--limits", "bass", "-1", "1"), "There is no joint named 'bass'"),
        (("--zero-deg", "bass", "1"), "There is no joint named 'bass'"),
        (("--workspace-m", "0", "0", "0", "1", "-1", "1"), "the workspace's lower y"),
        (("--table-height-m", "nan"), "table_height_m must be -1 to 1 m"),
        (("--camera", "front", "usb:0"), "must be written usb:VENDOR:PRODUCT"),
        (("--stop-file", "/nowhere/at/all/stop"), "does not exist"),
        (("--arm", "usb"), "is not the address of an arm"),
    ],
)
def test_bad_words_are_refused_before_anything_is_done(
    words: tuple[str, ...], message: str, port: APort, refused: Callable[..., str]
) -> None:
    said = refused("setup", "--yes", "--arm", f"serial:{port.place}", *words)
    assert message.lower() in said.lower()
    assert port.got == []


def test_a_person_has_to_be_there_or_yes_said(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    assert setup(port, "--step", "motion") == 2  # the input of a test is no terminal
    assert "Nobody can be asked here: say --yes" in capsys.readouterr().err
    assert port.targets() == []


def test_another_arms_file_is_refused(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    FILE.write_text("robot: roarm_m3\nusb_serial: A1\n")
    assert setup(port, "--yes") == 2
    assert "and the station's has 'A1'" in capsys.readouterr().err
    FILE.write_text("robot: roarm_m3\nlimits: {base: [-1, 1]}\n")
    assert setup(port, "--yes") == 2
    assert "Did you mean 'limits_rad'" in capsys.readouterr().err
    assert port.got == []


def test_the_list_says_the_steps_and_what_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "--list"]) == 0
    shown = capsys.readouterr().out
    assert all(step in shown for step in STEPS)
    assert "There is no station.yaml yet." in shown
    FILE.write_text("robot: roarm_m3\nname: bench\n")
    assert main(["setup", "--list"]) == 0
    assert "name: bench" in capsys.readouterr().out
    assert main(["setup", "--help"]) == 0
    assert "Ctrl-C keeps what was done" in capsys.readouterr().out


@pytest.mark.slow
def test_on_the_emulated_arm_a_dead_servo_is_the_joint_that_does_not_follow(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the older firmware nothing but motion shows it: the last reading is repeated."""
    with emulator_process("250108", "--pty", "--booted") as emulator:
        address = f"serial:{emulator.addresses.serial}"
        assert main(["setup", "--yes", "--arm", address, "--listing", "nowhere"]) == 0
        assert station().firmware == "2025-01-08"
        np.testing.assert_allclose(emulator.command("state")["joint_pos"], HOME, atol=0.07)
        emulator.command("fault dead-servo 11")
        assert main(["setup", "--yes", "--step", "motion"]) == 1
    assert "The base does not follow" in capsys.readouterr().err


def test_ctrl_d_ends_the_setup(
    port: APort, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(question: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "input", ended)
    assert setup(port, "--step", "limits") == 2
    assert "The input ended before this was answered" in capsys.readouterr().err
