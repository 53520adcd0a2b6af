"""The programs under examples/ need no part of this package, and do with a policy what `roarm eval` does."""

import ast
import importlib.util
import json
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
