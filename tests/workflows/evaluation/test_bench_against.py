"""`roarm bench --against`: we and another library in turn, in its own Python."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.core.errors import BadInputError, MissingError, RoarmLabError, UnknownNameError
from roarm_lab.workflows.evaluation.bench_against import Comparison, Side, comparable, data_of, table_of
from roarm_lab.workflows.evaluation.peers import PEERS, VERSION_OF, PeerProcess, peers_named, pythons_given

FETCH = "gymnasium-robotics"


def side(task: str, *turns: float, dt_s: float = 0.005, substeps: int = 10, device: str = "cpu, threads: 2") -> Side:
    return Side(
        task=task,
        device=device,
        worlds=64,
        physics_dt_s=dt_s,
        substeps=substeps,
        turns_env_steps_per_s=turns,
        packages={"mujoco": "4.0.0", "torch": None},
    )


def fetch(
    *, dt_s: float = 0.002, substeps: int = 20, device: str = "cpu, processes: 64", peer: str = FETCH
) -> Comparison:
    """Ours: 3000 and 5000 control steps of 10; theirs: 400 and 600 of 20. So 4000 to 500, and 40,000 to 10,000."""
    theirs = side("FetchPickAndPlace-v4", 400.0, 600.0, dt_s=dt_s, substeps=substeps, device=device)
    return Comparison(peer=peer, ours=side("lift-cube", 3000.0, 5000.0), theirs=theirs)


def fetch_python() -> str:
    """A Python that has Gymnasium-Robotics: this one, or the one that the environment names; or skip the test."""
    python = os.environ.get("ROARM_TEST_GYMNASIUM_ROBOTICS_PYTHON", sys.executable)
    asked = [python, "-c", VERSION_OF, FETCH]
    if json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)["version"] is None:
        pytest.skip(f"{FETCH} is not installed; ROARM_TEST_GYMNASIUM_ROBOTICS_PYTHON can name a Python that has it")
    return python


def test_the_ratio_is_of_all_turns_and_counts_substeps() -> None:
    comparison = fetch()
    assert comparison.env_ratio == pytest.approx(8.0)
    assert comparison.physics_ratio == pytest.approx(4.0)
    assert comparison.turn_ratios == pytest.approx((7.5, 5000 / 600))


def test_the_table_has_ours_theirs_and_the_ratio() -> None:
    head, ours, theirs, ratio, versions, turns, verdict = table_of(fetch()).splitlines()
    assert head.split()[:3] == ["worlds", "physics", "step"]
    assert ours.split() == ["ours,", "lift-cube", "64", "5", "ms", "10", "4,000", "40,000", "cpu,", "threads:", "2"]
    assert theirs.split() == ["gymnasium-robotics", "64", "2", "ms", "20", "500", "10,000", "cpu,", "processes:", "64"]
    assert ratio.split() == ["ratio", "8.00", "4.00"]
    assert versions == "theirs: FetchPickAndPlace-v4; mujoco 4.0.0"
    assert turns == "turn by turn, A-B-A-B: 7.50 8.33"
    assert verdict.startswith("comparable: ")


def test_the_data_have_both_sides_and_the_ratios() -> None:
    data = json.loads(json.dumps(data_of(fetch()), allow_nan=False))
    assert data["ours"]["physics_steps_per_s"] == pytest.approx(40_000.0)
    assert data["theirs"]["turns_env_steps_per_s"] == [400.0, 600.0]
    assert (data["env_ratio"], data["physics_ratio"]) == (pytest.approx(8.0), pytest.approx(4.0))


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (fetch(), "other physics steps"),
        (fetch(dt_s=0.005), "compare physics steps/s"),
        (fetch(dt_s=0.005, substeps=10), "compare both"),
        (fetch(device="cuda:0"), "compares machines, not libraries"),
        (fetch(device="cpu", peer="mjlab"), "says nothing about its speed"),
    ],
)
def test_it_says_what_may_be_compared(comparison: Comparison, words: str) -> None:
    assert words in comparable(comparison)


def test_peers_are_separated_by_commas_or_spaces() -> None:
    assert [peer.name for peer in peers_named(("mjlab,gymnasium-robotics",), "sim")] == ["mjlab", FETCH]
    assert [peer.name for peer in peers_named(("mjlab", "mjlab,"), "train")] == ["mjlab"]


def test_a_path_may_hold_an_equals_sign() -> None:
    assert pythons_given(["mjlab=/a=b/python"], [PEERS["mjlab"]]) == {"mjlab": "/a=b/python"}


def test_a_peer_without_an_interpreter_says_how_to_make_one() -> None:
    with pytest.raises(
        MissingError, match=r"python3 -m venv mjlab-env.*pip install mjlab==.*peer_python=.mjlab=mjlab-env"
    ):
        pythons_given([], [PEERS["mjlab"]])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mjlab"], "must be NAME=PATH"),
        (["mjlab="], "must be NAME=PATH"),
        ([f"{FETCH}=/usr/bin/python3"], f"names '{FETCH}', but `against=` names mjlab"),
        (["mjlab=/a", "mjlab=/b"], "two interpreters for mjlab: /a and /b"),
    ],
)
def test_interpreters_that_can_not_be_meant_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        pythons_given(words, [PEERS["mjlab"]])


def test_an_unknown_peer_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match="no peer named 'mjlap'. Did you mean 'mjlab'"):
        peers_named(["mjlap"], "sim")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("sim", "--against", "isaac"), 2, "There is no peer named 'isaac'"),
        (("sim", "--against", ","), 2, "--against names nobody"),
        (("sim", "--peer-python", "mjlab=x"), 2, "--against names nobody"),
        (("train", "--against", FETCH), 2, "by roarm bench sim alone"),
        (("loop", "--against", "mjlab"), 2, "goes with roarm bench sim and roarm bench train"),
        (("sim", "--against", "mjlab", "--task", "raech"), 2, "There is no task named 'raech'"),
        (("sim", "--against", "mjlab", "--task", "lift-cube", "--demo"), 2, "takes random actions on both sides"),
        (("sim", "--against", "mjlab", "--threads", "1", "2"), 2, "one number of threads at a time, got 2"),
        (("sim", "--against", FETCH, "--worlds", "257"), 2, "--worlds must be at most 256, got 257"),
        (("sim", "--against", "mjlab"), 3, "python3 -m venv mjlab-env"),
        (("sim", "--against", "mjlab", "--peer-python", "mjlab=nowhere/python"), 2, "no Python that runs at this path"),
    ],
)
def test_what_can_not_be_measured_is_refused(
    one_line: Callable[..., str], words: tuple[str, ...], code: int, message: str
) -> None:
    assert message in one_line("bench", *words, code=code)


def test_a_program_that_is_no_python_is_refused(one_line: Callable[..., str], tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    said = one_line("bench", "sim", "--against", "mjlab", "--peer-python", f"mjlab={program}")
    assert "does not answer as a Python interpreter does" in said


def test_a_python_without_the_peer_is_refused(one_line: Callable[..., str], tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    said = one_line("bench", "sim", "--against", "mjlab", "--peer-python", f"mjlab={python}", code=3)
    assert f"this Python does not have mjlab. Try `{python} -m pip install mjlab==" in said


def test_a_peer_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the interpreter's path may be relative
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    with pytest.raises(RoarmLabError, match="mjlab ended with code 1: ModuleNotFoundError: No module named 'torch'"):
        PeerProcess(PEERS["mjlab"], "env/bin/python", "sim", 2, "cpu")


@pytest.mark.slow
def test_gymnasium_robotics_is_measured_beside_us(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "sim", "--task", "lift-cube", "--worlds", "2", "--seconds", "0.2", "--json"]
    assert main([*words, "--against", FETCH, "--peer-python", f"{FETCH}={fetch_python()}"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["against"]
    assert found["theirs"]["task"] == "FetchPickAndPlace-v4"
    assert (found["theirs"]["physics_dt_s"], found["theirs"]["substeps"]) == (0.002, 20)
    assert found["ours"]["worlds"] == found["theirs"]["worlds"] == 2
    assert min(found["ours"]["turns_env_steps_per_s"] + found["theirs"]["turns_env_steps_per_s"]) > 0.0
    assert found["env_ratio"] == pytest.approx(found["ours"]["env_steps_per_s"] / found["theirs"]["env_steps_per_s"])
    assert list(folder.iterdir()) == []  # MuJoCo likes to leave a log where it runs
