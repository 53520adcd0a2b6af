"""Programs in processes of their own, at a port: a cable is pulled and put back, and they are ended in full motion."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.arrays import Float64
from roarm_lab.emulator.process import EmulatorProcess, emulator_process
from roarm_lab.policies.bundle import write_bundle
from roarm_lab.tasks.reach import reach
from tests.bundles import constant, contract_of, inputs_of
from tests.standing_still import standing_still

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)
from tests.cli.fake_terminal import PATIENCE_S, Terminal, roarm_in_a_terminal

pytestmark = pytest.mark.slow

LEAD_RAD = 0.4
ASKING_RAD = 0.15
"""What an arm moves while it is being asked where it is, on a busy computer."""
STILL_RAD = 0.01


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    link = tmp_path_factory.mktemp("arm") / "arm"
    with emulator_process("20260701", "--link", str(link), "--booted") as emulator:
        yield emulator


@pytest.fixture
def address(emulator: EmulatorProcess) -> str:
    emulator.command("replug")
    return f"serial:{emulator.addresses.serial}"


def pose(emulator: EmulatorProcess) -> Float64:
    return np.array(emulator.command("state")["joint_pos"])


def press_until_it_moves(terminal: Terminal, emulator: EmulatorProcess, key: str) -> None:
    """Hold a key until the base turns."""
    start, end_s = pose(emulator), time.monotonic() + PATIENCE_S
    while abs(pose(emulator)[0] - start[0]) < 0.2:
        assert time.monotonic() < end_s, terminal.text[-2000:]
        terminal.type(key)
        terminal.wait_for(" rad  age ", again=True)


def test_a_cable_that_is_pulled_and_put_back_while_a_person_steers(
    emulator: EmulatorProcess, address: str, tmp_path: Path
) -> None:
    with roarm_in_a_terminal("teleop", "--arm", address, folder=tmp_path) as terminal:
        terminal.wait_for(" rad  age ")
        press_until_it_moves(terminal, emulator, "q")
        emulator.command("unplug")
        terminal.wait_for("HELD        The connection to the arm at")
        terminal.wait_for("C clears it, after you have looked at the arm")
        left = standing_still(emulator)
        emulator.command("replug")
        terminal.wait_for("back        the arm can be read again")
        np.testing.assert_allclose(pose(emulator), left, atol=STILL_RAD)  # nothing was sent
        terminal.clear()
        press_until_it_moves(terminal, emulator, "a")
        terminal.type("\x03")
        assert terminal.ends() == 130
        assert "Traceback" not in terminal.text
        assert "device reports readiness" not in terminal.text


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_arm_whose_teleoperation_ends_in_motion_stops_within_the_lead(
    emulator: EmulatorProcess, address: str, tmp_path: Path, number: signal.Signals
) -> None:
    with roarm_in_a_terminal("teleop", "--arm", address, "--speed", "1", folder=tmp_path) as terminal:
        terminal.wait_for(" rad  age ")
        press_until_it_moves(terminal, emulator, "q" if pose(emulator)[0] < 0.0 else "a")
        terminal.process.send_signal(number)
        ended = pose(emulator)
        terminal.ends()
        moved = np.max(np.abs(standing_still(emulator) - ended))
        print(f"{number.name}: moved {moved:.3f} rad further")
        assert moved <= LEAD_RAD + ASKING_RAD
        assert "Traceback" not in terminal.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_policy_run_that_is_ended_holds_the_arm_and_writes_its_summary(
    tmp_path: Path, number: signal.Signals
) -> None:
    write_bundle(tmp_path / "turns", constant([1.0, 0, 0, 0, 0, 0], inputs_of(reach())), contract_of(reach()))
    with roarm_in_a_terminal("run", "turns", "--log", "runs", folder=tmp_path) as terminal:
        log = wait_for_cycles(tmp_path / "runs", terminal)
        code = terminal.ends(number)
    assert code == 128 + number, terminal.text
    assert "the arm is held at its last target" in terminal.text
    assert "Traceback" not in terminal.text
    check_written(log)


def test_a_cable_that_is_pulled_while_a_policy_drives(emulator: EmulatorProcess, address: str, tmp_path: Path) -> None:
    write_bundle(tmp_path / "turns", constant([0.2, 0, 0, 0, 0, 0], inputs_of(reach())), contract_of(reach()))
    words = ("run", "turns", "--arm", address, "--yes", "--log", "runs")
    with roarm_in_a_terminal(*words, folder=tmp_path) as terminal:
        log = wait_for_cycles(tmp_path / "runs", terminal)
        emulator.command("unplug")
        code = terminal.ends()
    left = standing_still(emulator)
    emulator.command("replug")
    assert code == 1, terminal.text
    assert "held        " in terminal.text
    assert "Traceback" not in terminal.text
    check_written(log)
    with roarm_in_a_terminal("arm", "home", "--arm", address, "--yes", folder=tmp_path) as terminal:
        assert terminal.ends() == 0
    assert np.max(np.abs(pose(emulator) - left)) > STILL_RAD


def wait_for_cycles(runs: Path, terminal: Terminal, count: int = 10) -> Path:
    """Return the log when it has some cycles."""
    found: list[Path] = []

    def enough() -> bool:
        found[:] = [log for log in runs.glob("*/cycles.jsonl") if len(log.read_text().splitlines()) >= count]
        assert terminal.process.poll() is None, terminal.text
        return bool(found)

    terminal.wait_until(enough)
    return found[0]


def check_written(log: Path) -> None:
    """Every line is whole, none is missing, and the summary counts them all or those of complete episodes."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["cycle"] for line in lines] == list(range(len(lines)))
    assert json.loads((log.parent / "summary.json").read_text())["cycles"] <= len(lines)
