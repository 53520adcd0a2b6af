"""`roarm teleop`: in a real terminal with the simulated arm, and everything that is refused."""

import json
import math
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.core.clock import SimulatedClock
from roarm_lab.emulator.process import emulator_process
from roarm_lab.teleop import gamepad
from roarm_lab.workflows import arm_session
from tests.bundles import wild_bundle
from tests.cli.commands import roarm_without

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)
from tests.cli.fake_terminal import PATIENCE_S, Terminal, roarm_in_a_terminal

STARTED = "keyboard: joints"
SECOND = ("--seconds", "0.3")


def started(terminal: Terminal, words: str = STARTED) -> None:
    terminal.wait_for(words)
    terminal.wait_for(" rad  age ", again=True)


@pytest.mark.slow
def test_keys_move_the_arm_esc_stops_it_and_the_terminal_is_given_back(folder: Path) -> None:
    with roarm_in_a_terminal("teleop", "--speed", "0.5", folder=folder) as terminal:
        started(terminal)
        assert terminal.settings != terminal.before
        base, shoulder = terminal.angles[:2]
        terminal.type("q")
        terminal.wait_until(lambda: terminal.angles[0] > base + 0.05)
        assert abs(terminal.angles[1] - shoulder) < 0.02
        terminal.type("\x1b")
        terminal.wait_for("HELD        emergency stop by a person")
        terminal.wait_for("C clears it, after you have looked at the arm")
        terminal.wait_for("HELD keyboard", again=True)
        held = terminal.angles[1]
        terminal.type("wwww")
        for _ in range(10):
            terminal.wait_for("HELD keyboard", again=True)
        assert abs(terminal.angles[1] - held) < 0.02
        terminal.clear()
        terminal.wait_for("free        targets pass the gate again")
        terminal.type("m")
        terminal.wait_for("keyboard: hand 50%")
        turned = terminal.angles[0]
        terminal.type("www")  # the hand to the left: y
        terminal.wait_until(lambda: terminal.angles[0] > turned + 0.03)
        terminal.type("\x03")
        assert terminal.ends() == 130
        assert "ended by Ctrl-C; the arm is held where it is." in terminal.text
        assert "Traceback" not in terminal.text
        assert terminal.settings == terminal.before


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_gently_and_the_terminal_is_given_back(folder: Path, number: signal.Signals) -> None:
    with roarm_in_a_terminal("teleop", folder=folder) as terminal:
        started(terminal)
        assert terminal.ends(number) == 128 + number
        assert "Traceback" not in terminal.text
        assert terminal.settings == terminal.before


@pytest.mark.slow
def test_the_keys_are_shown_at_the_start_and_to_who_asks(folder: Path) -> None:
    with roarm_in_a_terminal("teleop", folder=folder) as terminal:
        started(terminal)
        assert "Q/A W/S E/D R/F T/G Y/H move joints" in terminal.text
        terminal.type("?")
        terminal.wait_for("P or Esc    emergency stop", again=True)
        assert "HELD" not in terminal.text


@pytest.mark.slow
def test_ctrl_z_does_not_leave_the_arm_alone(folder: Path) -> None:
    with roarm_in_a_terminal("teleop", folder=folder) as terminal:
        started(terminal)
        terminal.type("\x1a\x13")
        terminal.wait_for("HELD        a key without a meaning was pressed")
        terminal.clear()
        terminal.type("m")
        terminal.wait_for("keyboard: hand 35%")


@pytest.mark.slow
def test_a_policy_drives_and_space_takes_the_arm(folder: Path) -> None:
    wild_bundle(folder / "bundle")
    with roarm_in_a_terminal("teleop", "--with", "policy", "--bundle", "bundle", folder=folder) as terminal:
        terminal.wait_for("policy: episode 1")
        terminal.type(" ")
        terminal.wait_for("policy: by hand, joints 35%")
        terminal.type("\x03")
        assert terminal.ends() == 130


@pytest.mark.slow
def test_the_page_is_served_beside_it(folder: Path) -> None:
    with roarm_in_a_terminal("teleop", "--view", "--port", "0", "--seconds", "1", folder=folder) as terminal:
        terminal.wait_for("open        http://127.0.0.1:")
        started(terminal)
        assert terminal.ends() == 0
        assert re.search(r"turns       (\d+), in \1 of them a target was sent", terminal.text)  # 20, on an idle machine
        assert terminal.settings == terminal.before


@pytest.fixture
def simulated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm_session, "MonotonicClock", SimulatedClock)


@pytest.mark.usefixtures("simulated_time")
def test_a_leader_needs_no_terminal_and_time_ends_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teleop", "--with", "leader", "--leader", "sim", *SECOND]) == 0
    assert "turns       6, in 6 of them a target was sent" in capsys.readouterr().out


@pytest.mark.usefixtures("simulated_time")
def test_a_policy_without_a_terminal_drives_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild_bundle(folder / "bundle")
    assert main(["teleop", "--with", "policy", "--bundle", "bundle", *SECOND]) == 0
    assert "turns       6, in 6 of them a target was sent" in capsys.readouterr().out


@pytest.mark.slow
def test_an_arm_that_still_folds_itself_when_the_session_ends_is_held_where_it_lies(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with emulator_process("20260701", "--pty", "--booted") as emulator:
        arm = f"serial:{emulator.addresses.serial}"
        assert main(["teleop", "--with", "hand", "--arm", arm, "--yes", "--seconds", "0.3"]) == 0
        assert "stays limp" not in capsys.readouterr().err
        assert main(["arm", "info", "--json", "--arm", arm]) == 0  # two seconds later
        shoulder_rad = json.loads(capsys.readouterr().out)["joint_pos"][1]
        assert shoulder_rad == pytest.approx(-math.pi / 2, abs=0.2)  # folded, and not on its way back home
        assert all(servo["torque_on"] for servo in emulator.command("state")["servos"].values())


@pytest.mark.slow
def test_a_limp_arm_is_shown_and_holds_where_it_is_afterwards(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with emulator_process("20260701", "--pty") as emulator:
        arm = f"serial:{emulator.addresses.serial}"
        assert main(["teleop", "--with", "hand", "--arm", arm, "--yes", "--seconds", "5"]) == 0
        out, err = capsys.readouterr()
        assert re.search(r"turns       [1-9]\d*, in 0 of them a target was sent", out)  # 100, on an idle machine
        assert "CAREFUL" in err
        assert "This firmware moves first: it folds the arm" in err
        assert "stays limp" not in err
        end_s, state = time.monotonic() + PATIENCE_S, emulator.command("state")
        while not all(servo["torque_on"] for servo in state["servos"].values()):
            assert time.monotonic() < end_s
            state = emulator.command("state")
        assert state["joint_pos"][1] < -1.2  # rad: folded, not back at home


# What is refused.


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--with", "leader"), "--with leader needs --leader"),
        (("--leader", "sim"), "--leader is not used without --with leader"),
        (("--with", "policy"), "--with policy needs --bundle"),
        (("--bundle", "b"), "--bundle is not used without --with policy"),
        (("--with", "leader", "--leader", "serial:/dev/x", "--arm", "serial:/dev/x"), "they must be two arms"),
        (("--speed", "0"), "--speed must be more than 0 and at most 1, got 0"),
        (("--speed", "nan"), "--speed must be more than 0"),
        (("--rate", "1000"), "The rate must be 5 to 100 Hz, got 1000"),
        (("--seconds", "-1"), "--seconds must be more than 0, got -1"),
        (("--seed", "-1"), "--seed must be 0 or more"),
        (("--goal", "0.2", "0", "0.2"), "--goal is not used without --with policy"),
        (("--with", "policy", "--bundle", "nothing"), "There is no policy bundle at nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(one_line: Callable[..., str], words: tuple[str, ...], message: str) -> None:
    assert message in one_line("teleop", *words)


def test_an_unknown_device_is_refused(refused: Callable[..., str]) -> None:
    assert "keyboard" in refused("teleop", "--with", "joystick")


def test_the_keyboard_without_a_terminal_is_refused(
    one_line: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert "The keyboard needs a terminal" in one_line("teleop")


@pytest.mark.parametrize(
    ("arm", "code", "message"),
    [
        ("simm", 2, "There is no kind of arm named 'simm'. Did you mean 'sim'?"),
        ("sim:3", 2, "An arm of kind 'sim' has no place; got 'sim:3'"),
        ("serial:/dev/nothing", 3, "There is no port /dev/nothing"),
    ],
)
def test_an_arm_that_is_not_there_is_refused(one_line: Callable[..., str], arm: str, code: int, message: str) -> None:
    assert message in one_line("teleop", "--with", "leader", "--leader", "sim", "--arm", arm, code=code)
    assert message in one_line("teleop", "--with", "leader", "--leader", arm, code=code)


def test_hand_guiding_needs_motors_that_can_be_switched_off(one_line: Callable[..., str]) -> None:
    assert "The motors of this arm (SimArm) can not be switched off" in one_line("teleop", "--with", "hand", code=3)


def test_no_gamepad_is_exit_code_3(one_line: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setattr(gamepad.SdlPad, "_find", lambda self: False)  # this machine may have one
    assert "No gamepad was found" in one_line("teleop", "--with", "gamepad", code=3)


@pytest.mark.parametrize(("device", "package"), [("gamepad", "pygame"), ("mouse3d", "hid")])
def test_a_missing_package_is_named_with_what_to_type(folder: Path, device: str, package: str) -> None:
    done = roarm_without(package, "teleop", "--with", device, folder=folder)
    assert done.returncode == 3
    assert "pip install 'roarm-lab[teleop]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_works_without_the_packages_of_devices_that_are_not_used(folder: Path) -> None:
    done = roarm_without("pygame,hid,torch", "teleop", "--with", "leader", "--leader", "sim", *SECOND, folder=folder)
    assert done.returncode == 0, done.stderr
