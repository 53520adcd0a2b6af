"""The programs and the notebook under examples/ run, and some need no part of this package."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from roarm_lab.envs.interface import interface_of
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.robots.limits import JointLimits, limit_target
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.export import export_robot
from roarm_lab.tasks.lift_cube import lift_cube
from tests.bundles import seeking_bundle

EXAMPLES = Path(__file__).parents[1] / "examples"
LIMIT_S = 300.0  # the slowest takes seconds; a machine may be busy
ALLOWED = {"mujoco", "numpy", "onnxruntime"}
ALONE = sorted(EXAMPLES.glob("*_without_roarm_lab.py"))


def loaded(name: str) -> ModuleType:
    """Return an example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def mjcf(tmp_path: Path) -> str:
    return str(export_robot(ROARM_M3, "mjcf", tmp_path / "arm.xml"))


@pytest.fixture
def runner(mjcf: str) -> Callable[[Path], Any]:
    return lambda bundle: loaded("lift_without_roarm_lab").Runner(bundle, mjcf)


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.stem)
def test_it_imports_what_it_says_and_nothing_else(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names <= ALLOWED


def test_the_lift_runner_lifts_as_often_as_the_contract_says(runner: Callable[[Path], Any]) -> None:
    run = runner(shipped_bundle())
    assert sum(run.episode() for _ in range(20)) >= 18


@pytest.mark.slow
def test_the_lift_runner_lifts_95_of_100(runner: Callable[[Path], Any]) -> None:
    run = runner(shipped_bundle())
    assert sum(run.episode() for _ in range(100)) >= 95


def test_limits_written_from_the_contract_are_the_limits_of_training() -> None:
    face, rng, dt_s = interface_of(lift_cube()), np.random.default_rng(0), 0.05
    mine, limits = loaded("lift_without_roarm_lab").Limits(face), JointLimits.of(ROARM_M3)
    for _ in range(2000):
        sent = rng.uniform(limits.lower, limits.upper)
        rate, requested = rng.uniform(-2.5, 2.5, 6), sent + rng.normal(0.0, 0.5, 6)
        measured = sent + rng.normal(0.0, 0.3, 6)
        expected = limit_target(requested, sent, rate, measured, limits, dt_s)
        for one, other in zip(mine.target(requested, sent, rate, measured), expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-9)


def test_the_reach_runner_runs(
    tmp_path: Path, mjcf: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["reach", str(seeking_bundle(tmp_path / "bundle")), mjcf, "3"])
    loaded("reach_without_roarm_lab")
    assert json.loads(capsys.readouterr().out)["episodes"] == 3


def run_example(name: str, folder: Path, *words: str) -> str:
    """Run an example in a folder and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *words],
        cwd=folder,
        env={**os.environ, "MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_training_evaluation_and_report_in_python(tmp_path: Path) -> None:
    said = run_example("train_and_evaluate", tmp_path, "4096")
    (run,) = (tmp_path / "runs").iterdir()
    assert re.search(r"^\d+ of 500 = \d", said, re.MULTILINE)
    assert (run / "report.html").stat().st_size > 10_000


def test_worlds_stepped_by_hand_lift_what_the_policy_lifts(tmp_path: Path) -> None:
    lifted = re.match(r"(\d+) of (\d+) lifted", run_example("step_an_environment", tmp_path))
    assert lifted
    assert int(lifted[1]) / int(lifted[2]) > 0.85


def test_an_arm_is_moved_and_driven(tmp_path: Path) -> None:
    said = run_example("drive_an_arm", tmp_path, "sim")
    assert "measured [" in said
    assert re.search(r"^[23] of 3, interval", said, re.MULTILINE)
    assert len(list((tmp_path / "arm_runs").iterdir())) == 1


def test_a_training_in_a_thread_is_cancelled_and_saved(tmp_path: Path) -> None:
    assert "stopped; saved at 16,384 steps. Go on with: `train(resume=" in run_example("cancel_a_training", tmp_path)
    (run,) = (tmp_path / "runs").iterdir()
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["0000016384"]


@pytest.mark.slow
def test_settings_are_compared(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    said = run_example("compare_settings", tmp_path, "2048")
    assert len(re.findall(r"seed \d: \d+ of 512", said)) == 4


def test_every_example_is_run_by_a_test() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")} - {path.stem for path in ALONE}
    text = Path(__file__).read_text(encoding="utf-8")
    assert {name for name in names if f'run_example("{name}"' not in text} == set()


@pytest.mark.slow
def test_the_notebook_runs_from_its_first_cell_to_its_last(tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(EXAMPLES / "first_steps.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=LIMIT_S, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert notebook.cells[-1].outputs[-1]["data"]["text/plain"] in {"(1, 2)", "(2, 2)"}
    assert (tmp_path / "runs").is_dir()
