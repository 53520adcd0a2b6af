"""What a user's own files and an installed package offer, at the terminal."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.runs.run_folder import RunFolder
from tests.cli.commands import plain_environment
from tests.own_tasks import SMALL, install, python_as_before, write_tasks


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on Python's path with an installed package that offers a task and a robot."""
    install(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with python_as_before(tmp_path):
        yield tmp_path / "site"


def test_a_task_of_a_file_is_trained_with_changes_and_evaluated(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tasks(folder)
    changes = ("--set", "rewards.calm.scale=2", "--set", "gamma=0.9")
    assert main(["train", "my_tasks.py:stack_two", *SMALL, *changes]) == 0
    (run,) = folder.glob("runs/*-stack_two-0")
    meta = RunFolder(run).meta()
    assert (meta["env"]["rewards"]["calm"]["scale"], meta["settings"]["gamma"]) == (2.0, 0.9)
    assert main(["eval", str(run), "--episodes", "8"]) == 0
    assert "calm" in capsys.readouterr().out


def test_what_is_wrong_is_said_in_one_line(folder: Path, one_line: Callable[..., str]) -> None:
    write_tasks(folder)
    assert "named 'stack_tow'. Did you mean 'stack_two'?" in one_line("train", "my_tasks.py:stack_tow")
    assert "There is no file my_task.py in the folder" in one_line("train", "my_task.py:stack_two")
    said = one_line("train", "my_tasks.py:stack_two", "--set", "rewards.clam.scale=2")
    assert said.startswith("roarm: --set rewards has an unknown key 'clam'. Did you mean 'calm'?")
    said = one_line("train", "reach", "--set", "num_envs=8", "--num-envs", "8")
    assert said == "roarm: Give either --set num_envs=... or --num-envs: both say the same.\n"


def test_an_installed_package_is_seen_by_lists_helps_and_errors(
    plugin: Path, folder: Path, capsys: pytest.CaptureFixture[str], one_line: Callable[..., str]
) -> None:
    assert main(["robots", "list"]) == 0
    assert capsys.readouterr().out == "roarm_m3\tWaveshare RoArm-M3-Pro\nlonger\tA longer arm\n"
    assert main(["robots", "show", "longer"]) == 0
    assert "A longer arm (longer): 6 joints" in capsys.readouterr().out
    for verb in ("train", "sweep"):
        assert main([verb, "--help"]) == 0
        assert "tasks of installed packages:\n  stack-two  (arm-plugin)" in capsys.readouterr().out
    assert "Did you mean 'stack-two'? Known: lift-cube, reach, stack-two." in one_line("train", "stack-tow")
    assert main(["train", "stack-two", *SMALL]) == 0
    (run,) = folder.glob("runs/*-stack-two-0")
    assert main(["eval", str(run), "--episodes", "8"]) == 0


def test_a_broken_package_does_not_hide_the_other_arms(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plugin / "arm_plugin" / "arm.py").write_text("import not_there\n")
    assert main(["robots", "list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("roarm_m3\t")
    assert second.startswith("longer\tThe robot 'longer' of the package arm-plugin can not be loaded: ")


def test_a_fresh_program_finds_the_package(plugin: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roarm_lab", "robots", "list"],
        env={**plain_environment(), "PYTHONPATH": os.fspath(plugin)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1] == "longer\tA longer arm"
