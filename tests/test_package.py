"""What is in the box: importing it is quiet and light, and the wheel has everything."""

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import roarm_lab

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_importing_the_package_says_nothing_and_loads_nothing_heavy() -> None:
    code = "import sys; before = set(sys.modules); import roarm_lab; sys.exit(len(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
    assert done.returncode == 1  # itself


def test_importing_the_environments_says_nothing() -> None:
    command = [sys.executable, "-W", "error", "-c", "import roarm_lab.envs"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_installed_version_is_the_one_in_the_source() -> None:
    assert version("roarm-lab") == roarm_lab.__version__


def test_the_default_install_has_no_torch_and_no_trainer() -> None:
    names = " ".join(PROJECT["dependencies"])
    assert "numpy" in names
    assert not [name for name in ("torch", "stable-baselines3", "tensorboard") if name in names]


def test_the_extra_all_has_what_every_other_extra_but_dev_brings() -> None:
    apart = {"all", "dev", "gpu", "kinect", "rsl-rl", "skrl", "wandb"}  # need hardware or an account; other trainers
    extras = {name for name in PROJECT["optional-dependencies"] if name not in apart}
    assert PROJECT["optional-dependencies"]["all"] == [f"roarm-lab[{','.join(sorted(extras))}]"]


@pytest.mark.parametrize("version", ["311", "312", "313"])
def test_tested_versions_are_plain_pins(version: str) -> None:
    lines = (ROOT / "constraints" / f"py{version}.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 50
    # A suffix such as +cpu, an address or an option would tie the file to one index.
    assert [pin for pin in pins if pin.count("==") != 1 or set(pin) & set("+@/ ;") or pin.startswith("-")] == []


@pytest.mark.slow
def test_the_wheel_has_types_tested_versions_and_the_licence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    wanted = {
        "py.typed",
        "cli/main.py",
        "rl/tuned/reach.ppo.sb3.cpu.yaml",
        *(f"constraints/py{v}.txt" for v in ("311", "312", "313")),
    }
    assert {f"roarm_lab/{name}" for name in wanted} <= set(names)
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]
