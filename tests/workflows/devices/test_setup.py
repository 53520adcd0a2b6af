"""An arm is set up: each step alone and all of them, what is asked, what is written, and what is refused."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnsafeCommandError
from roarm_lab.emulator.process import emulator_process
from roarm_lab.gateway import loop
from roarm_lab.hardware import io_thread, probe, serial_link
from roarm_lab.robots import arm
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import Station, load_station
from roarm_lab.workflows.devices import setup_motion
from roarm_lab.workflows.devices.setup import SetupResult, set_up_arm, station_text
from roarm_lab.workflows.devices.setup_request import STEPS, SetupRequest
from roarm_lab.workflows.frontend import (
    UNATTENDED,
    CancelledError,
    Frontend,
    NotPermittedError,
    Question,
    in_words,
)
from tests.frontends import Heard
from tests.hardware.clips import list_camera
from tests.hardware.fake_port import APort

FILE, NOWHERE = Path("station.yaml"), Path("nowhere")
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


class Person(Heard):
    """Somebody who answers questions by a part of their text, each answer once; every other one gets its default."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = list[tuple[str, str]]()

    def answer(self, *answers: tuple[str, str]) -> "Person":
        self.answers += answers
        return self

    def ask(self, question: Question) -> str | None:
        self.questions.append(question)
        assert len(self.questions) < 100, f"asked for ever: {question.text}"
        for i, (part, said) in enumerate(self.answers):
            if part in question.text:
                del self.answers[i]
                if said == "^C":
                    raise KeyboardInterrupt
                return said or None
        return question.default

    @property
    def told(self) -> str:
        """All that was told."""
        return "\n".join(in_words(event) for event in self.events)


class Agrees(Heard):
    """Permits everything, and has nothing to say besides; nobody stands beside the arm."""

    def __init__(self) -> None:
        super().__init__({"arm-moves": "yes", "overwrite": "yes"})

    @property
    def told(self) -> str:
        """All that was told."""
        return "\n".join(in_words(event) for event in self.events)


@pytest.fixture
def person() -> Person:
    return Person()


def set_up(port: APort, frontend: Frontend | None = None, **fields: Any) -> SetupResult:
    """Set up the arm at a port; without a front end everything is permitted, and nobody looks."""
    attended = {} if frontend else {"attended": False}
    request = SetupRequest(**{"arm": f"serial:{port.place}", "listing": NOWHERE, **attended, **fields})
    return set_up_arm(request, frontend or Agrees())


def station() -> Station:
    return load_station(FILE, ROARM_M3)


def test_all_steps_without_a_question(port: APort, tmp_path: Path) -> None:
    agrees, limits = Agrees(), (("base", -1.0, 1.0), ("elbow", 0.2, 2.5))
    given = {"limits": limits, "stop_file": str(tmp_path / "stop"), "name": "bench", "zero_deg": (("base", 2.0),)}
    result = set_up(port, agrees, attended=False, **given)
    assert all(f"\n{step}: " in agrees.told for step in STEPS)
    found = station()
    assert (found.name, found.address, found.firmware) == ("bench", f"serial:{port.place}", "2026-07-01")
    assert found.limits_rad == {"base": (-1.0, 1.0), "elbow": (0.2, 2.5)}
    assert found.stop_file == str(tmp_path / "stop")
    # It measures 0 where a person sees it 2 degrees further.
    assert found.calibration_rad == {"base": pytest.approx(-np.radians(2.0), abs=1e-3)}
    assert found.hash[:12] in agrees.told
    assert (result.path, result.station) == (FILE, found)
    assert (result.done, result.left_out) == (tuple(step for step in STEPS if step != "cameras"), ("cameras",))
    assert {question.code for question in agrees.questions} == {"arm-moves", "value"}  # there was no file yet


def test_a_step_that_was_left_out_is_not_told_as_done(port: APort) -> None:
    agrees = Agrees()
    result = set_up(port, agrees, attended=False)
    assert "left out: nobody looks (`zero_deg=` says where joints stand)" in agrees.told
    assert "left out: no camera" in agrees.told
    assert result.done == ("port", "firmware", "servos", "motion", "limits", "stop")
    assert result.left_out == ("zero", "cameras")
    assert agrees.told.endswith(f"found by: {', '.join(result.done)}; left out: zero, cameras")
    result = set_up(port, agrees, attended=False, step="zero")
    assert (result.done, result.left_out) == ((), ("zero",))
    assert agrees.told.endswith("found by: no step; left out: zero")


def test_each_joint_is_moved_a_tenth_to_and_fro(port: APort) -> None:
    agrees = Agrees()
    assert set_up(port, agrees, step="motion").done == ("motion",)
    told = np.array([[t["base"], t["shoulder"], t["elbow"], t["wrist"], t["roll"], t["hand"]] for t in port.targets()])
    spread = np.max(told, axis=0) - np.min(told, axis=0)
    np.testing.assert_allclose(spread, 0.1, atol=0.005)
    assert "gripper   told +0.100 rad, measured +0." in agrees.told


def test_a_joint_that_does_not_follow_is_named(port: APort) -> None:
    port.stiff = True
    with pytest.raises(UnsafeCommandError, match=r"The base does not follow: told up to \+0.100 rad, measured \+0.000"):
        set_up(port, step="motion")
    assert not FILE.exists()


class Mirrored(APort):
    """The base turns the wrong way."""

    def _obey(self, line: bytes) -> None:
        super()._obey(line.replace(b'"base":-', b'"base":+').replace(b'"base":', b'"base":-').replace(b"-+", b""))


@pytest.mark.usefixtures("port")
def test_a_joint_that_moves_the_wrong_way_is_named() -> None:
    message = r"The base moves the wrong way: told up to \+0.100 rad, measured -0."
    with Mirrored() as mirrored, pytest.raises(UnsafeCommandError, match=message):
        set_up(mirrored, step="motion")


def test_a_station_that_exists_gives_the_defaults_and_is_not_renewed_unasked(port: APort, person: Person) -> None:
    assert set_up(port, person, step="port", name="bench").done == ("port",)
    before = FILE.read_bytes()
    with pytest.raises(NotPermittedError, match=r"station.yaml exists. Renew it\?.* Nothing was done"):
        set_up(port, person, step="limits")
    assert FILE.read_bytes() == before
    renew = ("exists. Renew it?", "y")
    set_up(
        port,
        person.answer(renew, ("base ", "-1 1"), ("table height", "none"), ("box", "0 -1 0 1 1 1")),
        step="limits",
    )
    set_up(port, person.answer(renew, ("elbow ", "0 3.2"), ("elbow ", "0 2")), step="limits")  # asked again
    assert "must lie inside the hardware's" in person.told
    found = station()
    assert (found.name, found.limits_rad) == ("bench", {"base": (-1.0, 1.0), "elbow": (0.0, 2.0)})
    assert found.table_height_m is None
    assert found.workspace_m is not None
    assert found.workspace_m.upper_w == (1.0, 1.0, 1.0)
    assert port.targets() == []


def test_where_the_arm_stands_by_eye_becomes_its_offsets(port: APort, person: Person) -> None:
    port.wire = (0.03, 0.0, 1.5708, 0.0, 0.0, 3.1416)
    set_up(
        port, person.answer(("moves home", "y"), ("base ", "nonsense"), ("base ", "1"), ("wrist ", "0")), step="zero"
    )
    offsets = station().calibration_rad
    assert set(offsets) == {"base", "wrist"}  # an empty answer keeps what was there: nothing
    assert offsets["base"] == pytest.approx(-np.radians(1.0), abs=2e-3)  # home was reached first
    set_up(port, person.answer(("exists", "y"), ("moves home", "y"), ("base ", "0")), step="zero")
    assert station().calibration_rad["base"] == pytest.approx(offsets["base"], abs=2e-3)  # it stands right now
    port.got.clear()
    result = set_up(port, person.answer(("exists", "y"), ("moves home", "")), step="zero")  # said no
    assert (result.done, result.left_out) == ((), ("zero",))
    assert port.targets() == []


def test_ctrl_c_keeps_what_was_done(port: APort, person: Person) -> None:
    with pytest.raises(KeyboardInterrupt):
        set_up(port, person.answer(("moves home", "^C")))
    assert station().firmware == "2026-07-01"
    assert "has what was found by: port, firmware, servos" in person.told
    assert port.targets() == []


def test_a_front_end_that_cancels_stops_the_motion_and_nothing_is_written(port: APort) -> None:
    port.wire = (0.5, 0.0, 1.5708, 0.0, 0.0, 3.14)

    class Stops(Agrees):
        def cancelled(self) -> bool:
            return len(port.targets()) > 2

    with pytest.raises(CancelledError):
        set_up(port, Stops(), step="motion")
    assert port.targets()[-1]["base"] > 0.3
    assert not FILE.exists()


def test_an_arm_that_is_not_well_ends_the_servo_step(port: APort) -> None:
    port.changes, agrees = {"torswitchE": 0}, Agrees()
    with pytest.raises(
        UnsafeCommandError, match=r"servo 14 \(elbow\) does not answer.*`diagnose\(\)` looks at it alone"
    ):
        set_up(port, agrees)
    assert "5 of 6 have torque" in agrees.told
    assert station().firmware == "2026-07-01"  # what came before is kept
    assert port.targets() == []


def test_nobody_there_moves_nothing_and_still_finds_what_needs_nobody(port: APort) -> None:
    result = set_up(port, UNATTENDED)
    assert result.done == ("port", "firmware", "servos", "limits", "stop")
    assert result.left_out == ("zero", "motion", "cameras")
    assert port.targets() == []
    with pytest.raises(NotPermittedError):
        set_up(port, UNATTENDED)  # there is a file now


def test_cameras_get_names(port: APort, person: Person, tmp_path: Path) -> None:
    listing = list_camera(tmp_path, 92, "Azure Kinect 4K Camera", usb=("045e", "097d", "000123"), port="2-1")
    set_up(port, person.answer(("its name", "front")), step="cameras", listing=listing)
    assert station().cameras == {"front": "usb:045e:097d:000123@2-1#0"}
    set_up(port, person.answer(("exists", "y")), step="cameras", camera=(("wrist", "usb:045e:097d"),))
    assert station().cameras == {"front": "usb:045e:097d:000123@2-1#0", "wrist": "usb:045e:097d"}


def test_a_second_camera_of_a_known_device_is_not_taken_for_the_known_one(
    port: APort, person: Person, tmp_path: Path
) -> None:
    usb = ("0bda", "5634", "")
    list_camera(tmp_path, 92, "Webcam", usb=usb)
    listing = list_camera(tmp_path, 94, "Webcam", usb=usb, interface=2)
    person.answer(("#0: its name", "front"), ("#2: its name", "infrared"))
    set_up(port, person, step="cameras", listing=listing)
    assert station().cameras == {"front": "usb:0bda:5634@1-4#0", "infrared": "usb:0bda:5634@1-4#2"}


def test_a_camera_of_an_older_file_that_fits_two_is_told_with_what_to_do(
    port: APort, person: Person, tmp_path: Path
) -> None:
    usb = ("0bda", "5634", "")
    list_camera(tmp_path, 92, "Webcam", usb=usb)
    listing, agrees = list_camera(tmp_path, 94, "Webcam", usb=usb, interface=2), Agrees()
    old = (("front", "usb:0bda:5634@1-4"), ("side", "usb:045e:097d"))
    set_up(port, agrees, step="cameras", listing=listing, camera=old)
    assert "front: usb:0bda:5634@1-4 - careful: 2 cameras are 0bda:5634@1-4: " in agrees.told
    assert "Add the interface." in agrees.told
    assert "side: usb:045e:097d - not plugged in now\n" in agrees.told
    set_up(port, person.answer(("exists", "y"), ("#0: its name", "front")), step="cameras", listing=listing)
    assert station().cameras["front"] == "usb:0bda:5634@1-4#0"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"limits": (("elbow", 0.0, 3.2),)}, "must lie inside the hardware's, 0 to 2.95 rad"),
        ({"limits": (("base", 1.0, -1.0),)}, "the lower below the upper"),
        ({"limits": (("base", float("nan"), 1.0),)}, "must lie inside the hardware's"),
        ({"limits": (("bass", -1.0, 1.0),)}, "There is no joint named 'bass'"),
        ({"zero_deg": (("bass", 1.0),)}, "There is no joint named 'bass'"),
        ({"workspace_m": (0.0, 0.0, 0.0, 1.0, -1.0, 1.0)}, "the workspace's lower y"),
        ({"table_height_m": float("nan")}, "table_height_m must be -1 to 1 m"),
        ({"camera": (("front", "usb:0"),)}, "must be written usb:VENDOR:PRODUCT"),
        ({"stop_file": "/nowhere/at/all/stop"}, "does not exist"),
        ({"arm": "usb"}, "is not the address of an arm"),
        ({"robot": "roarm_m2"}, "There is no robot named 'roarm_m2'"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_done(fields: dict[str, Any], message: str, port: APort) -> None:
    agrees = Agrees()
    with pytest.raises(BadInputError, match=f"(?i){re.escape(message)}"):
        set_up(port, agrees, **fields)
    assert (agrees.events, agrees.questions, port.got) == ([], [], [])
    assert not FILE.exists()


def test_another_arms_file_is_refused(port: APort) -> None:
    FILE.write_text("robot: roarm_m3\nusb_serial: A1\n")
    with pytest.raises(BadInputError, match="and the station's has 'A1'"):
        set_up(port)
    FILE.write_text("robot: roarm_m3\nlimits: {base: [-1, 1]}\n")
    with pytest.raises(BadInputError, match="Did you mean 'limits_rad'"):
        set_up(port)
    assert port.got == []


def test_what_a_file_says_can_be_read_without_an_arm(folder: Path) -> None:
    assert station_text(FILE) == "There is no station.yaml yet.\n"
    FILE.write_text("robot: roarm_m3\nname: bench\n")
    assert "name: bench" in station_text(FILE)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_on_the_emulated_arm_a_dead_servo_is_the_joint_that_does_not_follow() -> None:
    """With the older firmware nothing but motion shows it: the last reading is repeated."""
    with emulator_process("250108", "--pty", "--booted") as emulator:
        request = SetupRequest(arm=f"serial:{emulator.addresses.serial}", listing=NOWHERE, attended=False)
        assert "motion" in set_up_arm(request, Agrees()).done
        assert station().firmware == "2025-01-08"
        np.testing.assert_allclose(emulator.command("state")["joint_pos"], HOME, atol=0.07)
        emulator.command("fault dead-servo 11")
        with pytest.raises(UnsafeCommandError, match="The base does not follow"):
            set_up_arm(replace(request, step="motion"), Agrees())
