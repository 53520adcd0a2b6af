"""Everything that may go wrong with an arm, while it waits, while a person steers it and while a policy drives it.

Either it goes on and makes no pose of garbage; or it is held, nothing but what was sent last is sent again, one message
says why and what to do, and once repaired and released it moves again. The table stands in `docs/faults.md`.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.gateway.arm_policy import ArmPolicy
from roarm_lab.policies.bundle import load_bundle, write_bundle
from roarm_lab.robots.estop import EstopFile
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.tasks.reach import reach
from tests.bundles import constant, contract_of, inputs_of, nan
from tests.hardware.fault_bench import AT_TURN, BASE, DROOP_RAD, PERIOD_S, START, Bench, Seen, bench

pytestmark = pytest.mark.slow

NEW, OLD = "20260701", "250108"
BELIEVED_RAD = 0.1
"""What a believed pose may differ from the truth: 65 ms at the speeds of these tests, droop, encoder steps."""
SECONDS, BOOT_S = 3.0, 12.0
BLIND_RAD = 0.4 + 0.1
"""What an arm that can not be read may move before it is held: the gate's lead, and how far it was behind."""
MOVED_RAD = 0.1
ROUNDING_RAD = 1e-4
JOINT_KEYS = ("base", "shoulder", "elbow", "wrist", "roll", "hand")

GOES_ON = ""
"""Nobody notices."""
NO_POWER, RESTARTED = "no power: the supply reads 0.0 V; plug in", "the arm restarted"
BASE_LOST, ELBOW_LOST = "servo 11 \\(base\\) has no torque or does not answer", "servo 14 \\(elbow\\) has no torque"
FROZEN = r"joint 'base' reads .* to the last digit .* check cable and 12 V supply, then `recover_arm\(\)`"
PAUSED = "The newest sample is .* s old; .* paused"


@dataclass(frozen=True)
class Row:
    """One fault and what is said while the arm waits, is steered and is driven: newer firmware, then older."""

    fault: str
    idle: tuple[str, str]
    steered: tuple[str, str]
    driven: tuple[str, str]


ROWS = (
    # The older firmware repeats the last angles of servos that it can not read, and tells nothing about torque.
    Row("bus-unpowered", (NO_POWER, GOES_ON), (NO_POWER, FROZEN), (NO_POWER, FROZEN)),
    Row("dead-servo 11", (BASE_LOST, GOES_ON), (BASE_LOST, FROZEN), (BASE_LOST, FROZEN)),
    Row("dead-servo 14", (ELBOW_LOST, GOES_ON), (ELBOW_LOST, GOES_ON), (ELBOW_LOST, GOES_ON)),
    Row("frozen-feedback", (GOES_ON, GOES_ON), (FROZEN, FROZEN), (FROZEN, FROZEN)),
    Row("garbled-lines", (GOES_ON, GOES_ON), (GOES_ON, GOES_ON), (GOES_ON, GOES_ON)),
    Row("half-lines", (GOES_ON, GOES_ON), (GOES_ON, GOES_ON), (GOES_ON, GOES_ON)),
    Row("stray-lines", (GOES_ON, GOES_ON), (GOES_ON, GOES_ON), (GOES_ON, GOES_ON)),
    Row("dropped-lines", (GOES_ON, GOES_ON), (GOES_ON, GOES_ON), (GOES_ON, GOES_ON)),
    Row("garbled-commands", (GOES_ON, GOES_ON), (GOES_ON, GOES_ON), (GOES_ON, GOES_ON)),
    Row("supply-volts 5", (GOES_ON, GOES_ON), (GOES_ON, GOES_ON), (GOES_ON, GOES_ON)),
    Row("stalls 1", (GOES_ON, GOES_ON), (PAUSED, GOES_ON), (PAUSED, PAUSED)),
    Row("brown-out", (GOES_ON, RESTARTED), (RESTARTED, RESTARTED), (RESTARTED, RESTARTED)),
)


OF_THE_LINE = ("garbled-lines", "half-lines", "stray-lines", "dropped-lines", "garbled-commands", "supply-volts 5")
"""Alike with both firmwares; tried with both where readings must be youngest."""


@dataclass(frozen=True)
class Cell:
    """One cell of the table."""

    firmware: str
    fault: str
    words: str

    @property
    def unseen(self) -> bool:
        """Whether a limp joint may go anywhere before anybody can know."""
        return self.firmware == OLD and self.fault in {"bus-unpowered", "dead-servo 11", "dead-servo 14"}

    @property
    def wrong_rad(self) -> float:
        """How wrong a believed pose may be."""
        return np.inf if self.unseen else BLIND_RAD if self.words else BELIEVED_RAD


def cells(activity: str) -> list[object]:
    """Return the cells of a column."""
    return [
        pytest.param(Cell(firmware, row.fault, getattr(row, activity)[firmware == OLD]), id=f"{row.fault}-{firmware}")
        for row in ROWS
        for firmware in (NEW, OLD)
        if firmware == NEW or activity == "driven" or row.fault not in OF_THE_LINE
    ]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> ArmPolicy:
    """A policy that turns the base as fast as it may."""
    folder, inputs = tmp_path_factory.mktemp("bundle") / "turns", inputs_of(reach())
    write_bundle(folder, constant([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], inputs), contract_of(reach()))
    return ArmPolicy(load_bundle(folder), ROARM_M3)


def angles(line: bytes) -> np.ndarray:
    message = json.loads(line)
    return np.array([message[key] for key in JOINT_KEYS])


def check_what_was_sent(seen: Seen) -> None:
    """Nothing follows a hold but the target that was sent last."""
    for line in seen.moves_while_held:
        np.testing.assert_allclose(angles(line), angles(seen.moves[-1]), atol=ROUNDING_RAD)


def check_repaired(on: Bench, cell: Cell) -> None:
    """Repaired, it does nothing by itself; released, it moves."""
    on.passes(1.0)
    sent, where = len(on.seen.moves), on.board.joint_pos
    on.is_repaired()
    on.passes(BOOT_S if cell.fault == "brown-out" else 2.0)
    assert len(on.seen.moves) == sent
    if cell.words and cell.fault != "brown-out":  # a firmware that starts moves the arm
        assert np.max(np.abs(on.board.joint_pos - where)) < MOVED_RAD
    assert on.moves_again()


@pytest.mark.parametrize("cell", cells("idle"))
def test_while_it_waits(cell: Cell, capfd: pytest.CaptureFixture[str]) -> None:
    with bench(cell.firmware) as on:
        on.seen.moves.clear()
        on.happens(cell.fault)
        on.passes(SECONDS)
        sample = on.arm.read()
        if cell.words:
            assert not sample.valid
            assert_says(sample.reason, cell.words)
        else:
            assert sample.valid
            assert on.arm.latched is None
        check_what_was_sent(on.seen)
        check_repaired(on, cell)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("cell", cells("steered"))
def test_while_a_person_steers_it(cell: Cell, capfd: pytest.CaptureFixture[str]) -> None:
    """The person sees one message, looks, presses C when all is well again, and steers on in the same session."""
    held_turns = round(SECONDS / PERIOD_S)
    back_turns = round((BOOT_S if cell.fault == "brown-out" else 2.0) / PERIOD_S)
    repaired = AT_TURN + held_turns
    quiet = repaired + back_turns
    keys = [*pressed("q", repaired), *[""] * back_turns, "c", *[""] * 10, *pressed("a", 40), *[""] * 20]
    marks: dict[str, float] = {}

    def repair() -> None:
        on.is_repaired()
        marks["held"] = float(on.arm.latched is not None)
        marks["sent"] = len(on.seen.moves)

    def let_go() -> None:
        marks["base"] = float(on.board.joint_pos[BASE])
        marks["sent while held"] = len(on.seen.moves) - marks["sent"]
        marks["wrong"] = on.seen.wrong_rad

    with bench(cell.firmware) as on:
        seen = on.is_steered(keys, {AT_TURN: lambda: on.happens(cell.fault), repaired: repair, quiet - 1: let_go})
        assert bool(marks["held"]) == bool(cell.words), seen.words
        told = [line for line in seen.words.splitlines() if line.startswith("HELD")]
        if cell.words:
            assert_says(seen.words, cell.words)
            assert len(told) == 1, seen.words
            assert marks["sent while held"] == 0
            assert seen.words.count("free        targets pass") == 1
        else:
            assert "HELD" not in seen.words or "is suddenly" in seen.words or "to the last digit" in seen.words
        assert marks["wrong"] <= cell.wrong_rad
        assert on.arm.latched is None
        assert on.board.joint_pos[BASE] < marks["base"] - MOVED_RAD  # it obeys again
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("cell", cells("driven"))
def test_while_a_policy_drives_it(
    cell: Cell, policy: ArmPolicy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with bench(cell.firmware) as on:
        seen = on.is_driven(policy, tmp_path / "cycles.jsonl", lambda: on.happens(cell.fault), SECONDS)
        assert seen.episode is not None
        assert bool(seen.episode.held) == bool(cell.words), seen.words
        assert_says(seen.words, cell.words)
        on.passes(0.5)
        check_what_was_sent(seen)
        check_log(tmp_path / "cycles.jsonl", seen)
        assert seen.wrong_rad <= cell.wrong_rad
        check_repaired(on, cell)
    assert capfd.readouterr().err == ""


def check_log(path: Path, seen: Seen) -> None:
    """The log has every cycle up to the fault, and its last target is the last one on the wire."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert seen.episode is not None
    assert [line["cycle"] for line in lines] == list(range(seen.episode.cycles))
    assert len(lines) > AT_TURN
    if seen.moves:
        wire = np.array([*lines[-1]["sent"][:5], np.pi - lines[-1]["sent"][5]])
        np.testing.assert_allclose(angles(seen.moves[-1]), wire, atol=ROUNDING_RAD)


def assert_says(text: str, words: str) -> None:
    assert re.search(words, text), text


def pressed(key: str, turns: int) -> list[str]:
    """Return what a terminal sends while a key is held."""
    return [key if turn == 0 or turn >= 10 else "" for turn in range(turns)]


# What goes wrong on the other side of the driver.


def test_a_policy_that_raises_holds_the_arm(policy: ArmPolicy, tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a mistake in somebody's program")

    with bench(NEW) as on:
        with pytest.raises(ZeroDivisionError):
            on.is_driven(policy, tmp_path / "cycles.jsonl", fail, 1.0)
        on.look()
        on.passes(1.0)
        assert on.arm.latched == "a mistake in somebody's program"
        check_what_was_sent(on.seen)
        assert len((tmp_path / "cycles.jsonl").read_text().splitlines()) == AT_TURN + 1
        assert on.moves_again()


def test_a_network_that_gives_nan_holds_the_arm(tmp_path: Path) -> None:
    config = reach()
    write_bundle(tmp_path / "nan", nan(inputs_of(config), when_moving=True), contract_of(config))
    with bench(OLD) as on:
        seen = on.is_driven(
            ArmPolicy(load_bundle(tmp_path / "nan"), ROARM_M3), tmp_path / "cycles.jsonl", lambda: None, 2.0
        )
        on.passes(1.0)
        assert "not a number" in seen.words or "nan" in seen.words.lower()
        check_what_was_sent(seen)
        assert on.moves_again()


def test_a_stop_file_stops_the_arm_until_it_is_cleared(policy: ArmPolicy, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    with bench(NEW) as on:
        on.arm.stop_on(EstopFile(stop))
        seen = on.is_driven(policy, tmp_path / "cycles.jsonl", stop.touch, 1.0)
        on.passes(1.0)
        assert "remove it before clearing" in seen.words
        check_what_was_sent(seen)
        stop.unlink()
        on.arm.clear()
        assert on.moves_again()


def test_a_stop_file_whose_folder_is_renamed_stops_the_arm_too(policy: ArmPolicy, tmp_path: Path) -> None:
    folder, away = tmp_path / "stops", tmp_path / "tidied"
    folder.mkdir()
    with bench(NEW) as on:
        on.arm.stop_on(EstopFile(folder / "stop"))
        seen = on.is_driven(policy, tmp_path / "cycles.jsonl", lambda: folder.rename(away), 1.0)
        on.passes(1.0)
        assert "can not be looked for" in seen.words
        assert seen.episode is not None
        assert seen.episode.cycles == AT_TURN + 1  # not a single one after it
        check_what_was_sent(seen)
        away.rename(folder)
        on.arm.clear()
        assert on.moves_again()


def test_an_arm_whose_stop_file_is_there_is_not_started_anew(tmp_path: Path) -> None:
    with bench(NEW) as on:
        on.arm.stop_on(EstopFile(tmp_path / "stop"))
        (tmp_path / "stop").touch()
        with pytest.raises(UnsafeCommandError, match="Nothing was sent: the stop file"):
            on.arm.recover()
        on.passes(1.0)
        assert on.arm.read().valid
        np.testing.assert_allclose(on.board.joint_pos, START, atol=DROOP_RAD)


def test_power_that_comes_back_moves_nothing_and_a_sunk_arm_is_held_where_it_lies() -> None:
    """A target from before would drive a limp arm up from where it has sunk to."""
    with bench(NEW) as on:
        on.happens("bus-unpowered")
        on.passes(3.0)
        on.arm.hold("a person pressed a key")
        sunk = on.board.joint_pos
        assert np.max(np.abs(sunk - START)) > 0.4
        on.is_repaired()
        on.passes(1.0)
        on.arm.hold("again")
        on.passes(1.0)
        np.testing.assert_allclose(on.board.joint_pos, sunk, atol=0.02)
        on.arm.release()
        on.passes(1.0)
        assert on.arm.read().valid
        assert all(servo.torque_on for servo in on.board.servos.values())
        np.testing.assert_allclose(on.board.joint_pos, sunk, atol=0.1)


def test_a_joint_that_overshoots_half_a_turn_is_read_on(policy: ArmPolicy) -> None:
    with bench(NEW) as on:
        goal = np.array([3.1, *START[1:]])
        for _ in range(70):
            on.arm.send(goal, PERIOD_S)
            on.passes(PERIOD_S)
        on.board.servos[11].zero_step -= 20  # as if the base stood 0.03 rad further, past the end of the encoder
        for _ in range(20):
            on.arm.send(goal, PERIOD_S)
            on.passes(PERIOD_S)
        assert on.arm.latched is None
        assert on.arm.read().joint_pos[BASE] > 3.1
