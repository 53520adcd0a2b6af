"""The driver on the emulated firmwares, in processes of their own: contract, faults, pulled cables, killed programs."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import MissingError, UnsafeCommandError
from roarm_lab.emulator.process import EmulatorProcess, emulator_process
from roarm_lab.gateway.loop import move_slowly
from roarm_lab.hardware.protocol import Firmware
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.workflows.devices.arm_actions import recover_arm
from roarm_lab.workflows.devices.arm_target import ArmTarget
from roarm_lab.workflows.frontend import NotPermittedError
from tests.arm_contract import ARM_CONTRACT, Check
from tests.frontends import Heard
from tests.patience import FIRST_LINES
from tests.standing_still import standing_still

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patient")]

DT_S = 0.05
SLOW_DT_S = 0.2  # readings may be twice as old
PATIENCE_S = 120.0  # only a test that fails waits this long
DROOP_RAD = 0.07  # 4 degrees, the most that users report
HEARD_BYTES = 12_000
"""What the line of 115,200 baud carries in a second, and an arm in two or three."""
START = np.array([0.2, 0.1, 1.4, 0.3, 0.2, 0.6])
"""Well inside every range, and what the tests begin near to."""
NEW, OLD = "20260701", "250108"


class Bench:
    """One emulator that stays for many tests."""

    def __init__(self, emulator: EmulatorProcess, newer: bool) -> None:
        self.emulator = emulator
        self.newer = newer
        self.address = f"serial:{emulator.addresses.serial}"

    def true_pos(self) -> Float64:
        return np.array(self.emulator.command("state")["joint_pos"])

    @contextmanager
    def arm(self) -> Generator[RoArmM3]:
        with RoArmM3.connect(self.address) as arm:
            yield arm


@pytest.fixture(scope="module", params=[NEW, OLD])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    link = tmp_path_factory.mktemp("arm") / "arm"
    with emulator_process(request.param, "--link", str(link), "--booted") as emulator:
        yield Bench(emulator, newer=request.param == NEW)


@pytest.fixture
def bench(running: Bench) -> Iterator[Bench]:
    running.emulator.command("clear")
    try:
        arm = RoArmM3.connect(running.address)
    except MissingError:  # a servo that was dead comes back without torque
        arm = RoArmM3.connect(running.address, reset=True)
    with arm:
        if np.max(np.abs(arm.read().joint_pos - START)) > 0.5:
            go(arm, START)
    yield running
    running.emulator.command("clear")


@pytest.fixture
def arm(bench: Bench) -> Iterator[RoArmM3]:
    with bench.arm() as arm:
        yield arm


def until(done: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end_s, f"never: {what}"
        time.sleep(0.02)


def go(arm: RoArmM3, goal: Float64) -> None:
    """Move slowly; on a machine too busy to read the port in time, again."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            move_slowly(arm, goal, SLOW_DT_S)
        except UnsafeCommandError as error:
            if not ("old" in str(error) or "silent" in str(error)) or time.monotonic() > end_s:
                raise
            until(lambda: arm.read().valid and not _refuses_targets(arm), "the arm is read again")
            arm.release()
        else:
            return


def drive(arm: RoArmM3, requested: Float64, seconds: float) -> None:
    """Send a request for a while, over lines that are damaged now and then."""
    for _ in range(round(seconds / DT_S)):
        with suppress(UnsafeCommandError):
            arm.send(requested, DT_S)
        time.sleep(DT_S)


@pytest.mark.parametrize("check", ARM_CONTRACT, ids=lambda check: check.__name__)
def test_keeps_the_arm_contract(bench: Bench, check: Check) -> None:
    with bench.arm() as arm:

        def make() -> Arm:
            return arm

        check(make)


def test_connects_reads_the_truth_and_goes_where_it_is_told(bench: Bench, arm: RoArmM3) -> None:
    assert arm.firmware == (Firmware.FW26 if bench.newer else Firmware.FW25)
    goal = START + 0.2
    go(arm, goal)
    rest = standing_still(bench.emulator)
    np.testing.assert_allclose(rest, goal, atol=DROOP_RAD)
    until(lambda: bool(np.all(np.abs(arm.read().joint_pos - rest) < 0.01)), "it reads where it is")  # encoder steps


def test_servos_without_power_are_no_pose(bench: Bench, arm: RoArmM3) -> None:
    bench.emulator.command("fault bus-unpowered")
    until(lambda: not _moves_and_reads(arm), "the reading fails")
    # The servos are looked at one after another: at first only the last of them seem to be dead.
    reason = "no power" if bench.newer else "is not being read or does not drive"
    until(lambda: reason in arm.read().reason, reason)


def test_a_dead_servo_is_named(bench: Bench, arm: RoArmM3) -> None:
    bench.emulator.command("fault dead-servo 14")
    until(lambda: not _moves_and_reads(arm), "the reading fails")
    assert ("servo 14 (elbow)" if bench.newer else "joint 'elbow'") in arm.read().reason


def test_frozen_feedback_is_no_measurement(bench: Bench, arm: RoArmM3) -> None:
    bench.emulator.command("fault frozen-feedback")
    until(lambda: not _moves_and_reads(arm), "the reading fails")
    assert "to the last digit" in arm.read().reason


def _moves_and_reads(arm: RoArmM3) -> bool:
    """Ask for motion to and fro, and say whether there is still a pose."""
    requested = START + (0.6 if arm.clock.now_s() % 4.0 < 2.0 else -0.3)
    drive(arm, np.clip(requested, -1.0, 1.9), DT_S)
    return arm.read().valid


@pytest.mark.parametrize("fault", ["garbled-lines 0.2", "half-lines 0.2", "stray-lines 0.3", "dropped-lines 0.3"])
def test_damaged_lines_never_become_a_pose(bench: Bench, arm: RoArmM3, fault: str) -> None:
    go(arm, START)
    bench.emulator.command(f"fault {fault}")
    skipped, bad = arm.counts.skipped, list[Float64]()
    begun, end_s = arm.counts.bytes_in, time.monotonic() + PATIENCE_S
    while arm.counts.bytes_in < begun + HEARD_BYTES:
        assert time.monotonic() < end_s, "it fell silent"
        sample = arm.read()
        if sample.valid and np.max(np.abs(sample.joint_pos - START)) > 0.2:  # what a leap may be
            bad.append(sample.joint_pos)
        time.sleep(0.005)
    assert bad == []
    assert fault.startswith("dropped") or arm.counts.skipped > skipped
    assert arm.latched is None


def test_a_target_that_was_damaged_on_its_way_is_made_good(bench: Bench, arm: RoArmM3) -> None:
    bench.emulator.command("fault garbled-commands 0.2")
    drive(arm, START + 0.2, 2.0)
    bench.emulator.command("clear")
    drive(arm, START + 0.2, 2.0)
    np.testing.assert_allclose(bench.true_pos(), START + 0.2, atol=DROOP_RAD)


def test_a_brown_out_holds_the_arm_where_it_is_found_afterwards(bench: Bench, arm: RoArmM3) -> None:
    bench.emulator.command("fault brown-out")
    drive(arm, START + 0.3, 0.5)
    until(
        lambda: "restarted" in (arm.latched or "") and not _refuses_targets(arm) and arm.read().valid,
        "the arm comes back, and its pose is the new start",
    )
    np.testing.assert_allclose(arm.sent, bench.true_pos(), atol=DROOP_RAD)
    assert bench.emulator.command("state")["info_print"] == 2
    with pytest.raises(UnsafeCommandError, match="look at the arm, then release it"):
        arm.send(START, DT_S)
    arm.release()
    go(arm, START)


def test_a_cable_that_was_pulled_and_put_back_holds_the_arm(bench: Bench, arm: RoArmM3) -> None:
    bench.emulator.command("unplug")
    until(lambda: not arm.read().valid, "the reading fails")
    assert "plugged in" in arm.read().reason or "no port" in arm.read().reason
    bench.emulator.command("replug")
    until(lambda: arm.read().valid, "the arm comes back")
    assert arm.latched is not None
    with pytest.raises(UnsafeCommandError, match="look at the arm"):
        arm.send(START, DT_S)
    until(lambda: "release" in (arm.latched or "") and not _refuses_targets(arm), "it stands still")
    arm.release()
    go(arm, START)


def _refuses_targets(arm: RoArmM3) -> bool:
    arm.read()
    return bool(arm._io.interruption)


DRIVER = f"""{FIRST_LINES}
import time
from roarm_lab.hardware.roarm_m3 import RoArmM3
arm = RoArmM3.connect(sys.argv[1])
requested = arm.sent + [1.5, 0.0, 0.0, 0.0, 1.5, 0.0]
while True:
    arm.send(requested, 0.05)
    print("moving", flush=True)
    time.sleep(0.05)
"""


def test_an_arm_whose_program_is_killed_stops_within_the_gates_lead(bench: Bench, tmp_path: Path) -> None:
    program = tmp_path / "driver.py"
    program.write_text(DRIVER)
    words = [sys.executable, str(program), bench.address]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(8):
            assert process.stdout.readline() == "moving\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    killed = bench.true_pos()
    last = standing_still(bench.emulator)
    assert np.max(np.abs(last - killed)) <= 0.4 + 0.01  # the lead, and what it moved while it was being asked
    assert last[0] > START[0] + 0.1  # it did move


def test_letting_go_and_holding_again(bench: Bench, arm: RoArmM3) -> None:
    go(arm, START)
    arm.torque(on=False, warned=True)
    until(lambda: not bench.emulator.command("state")["servos"]["14"]["torque_on"], "the servos let go")
    arm.hold()
    standing_still(bench.emulator)
    assert not bench.emulator.command("state")["servos"]["14"]["torque_on"]
    until(lambda: arm.read().valid, "an angle without torque is still an angle")
    limp = bench.true_pos()
    arm.torque(on=True)
    until(lambda: bench.emulator.command("state")["servos"]["14"]["torque_on"], "the servos hold")
    np.testing.assert_allclose(bench.true_pos(), limp, atol=DROOP_RAD)
    until(lambda: arm.read().valid, "the arm answers")
    arm.release()
    go(arm, START)


def test_recovering_says_step_by_step_what_was_done(bench: Bench, arm: RoArmM3) -> None:
    arm.estop("a test pressed the button")
    resets = bench.emulator.command("state")["resets"]
    steps = arm.recover(lambda arm: go(arm, START))
    assert bench.emulator.command("state")["resets"] == resets + 1
    assert [step.split()[0] for step in steps] == ["closed", "the", "the", "moved"]
    assert arm.latched is None


def test_recovering_without_a_connection_needs_a_permission_and_ends_at_home(bench: Bench) -> None:
    """Only with a permission; then it is at home, and holds."""
    resets = bench.emulator.command("state")["resets"]
    with pytest.raises(NotPermittedError, match="starts anew"):
        recover_arm(ArmTarget(arm=bench.address), Heard())
    steps = recover_arm(ArmTarget(arm=bench.address), Heard({"arm-moves": "yes"}))
    assert bench.emulator.command("state")["resets"] == resets + 1
    assert [step.split()[0] for step in steps] == ["started", "the", "moved"]
    np.testing.assert_allclose(bench.true_pos(), ROARM_M3.keyframe("home"), atol=DROOP_RAD)
    with bench.arm() as arm:
        go(arm, START)


def test_other_ways_in_work_too(running: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    firmware = NEW if running.newer else OLD
    with emulator_process(firmware, "--rfc2217", "127.0.0.1:0", "--http", "127.0.0.1:0", "--booted") as emulator:
        assert emulator.addresses.rfc2217
        assert emulator.addresses.http
        with RoArmM3.connect(emulator.addresses.rfc2217) as arm:
            assert emulator.command("state")["resets"] == 1  # opening it reset nothing
            go(arm, START)
        with RoArmM3.connect(emulator.addresses.http) as arm:
            np.testing.assert_allclose(arm.read().joint_pos, START, atol=DROOP_RAD)
            if running.newer:
                monkeypatch.undo()  # old readings are what this is about
                with pytest.raises(UnsafeCommandError, match="s old"):
                    move_slowly(arm, START + 0.1, DT_S)
            else:
                go(arm, START + 0.1)


def test_an_arm_without_power_from_the_start_is_explained(running: Bench) -> None:
    with (
        emulator_process(NEW if running.newer else OLD, "--pty", "--fault", "bus-unpowered") as emulator,
        pytest.raises(MissingError, match="12 V supply"),
    ):
        RoArmM3.connect(f"serial:{emulator.addresses.serial}")
