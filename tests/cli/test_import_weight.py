"""What a verb loads on the computer beside an arm: no simulator, no trainer, as far as to the arm itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundles import still_bundle

HEAVY = {"torch", "mujoco", "gymnasium", "roarm_lab.rl", "roarm_lab.envs"}
PROGRAM = """
import sys
from roarm_lab.cli.main import main
code = main(sys.argv[1:])
print(code, *sys.modules)
"""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("run", "bundle", "--yes"), "There is no port /nowhere/tty"),
        (("teleop", "--with", "policy", "--bundle", "bundle"), "There is no port /nowhere/tty"),
        (("teleop", "--with", "hand"), "There is no port /nowhere/tty"),
        (("arm", "info"), "There is no port /nowhere/tty"),
        (("arm", "home", "--yes"), "There is no port /nowhere/tty"),
    ],
)
def test_on_the_way_to_a_real_arm_neither_a_simulator_nor_a_trainer_is_loaded(
    tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    still_bundle(tmp_path / "bundle")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, "--arm", "serial:/nowhere/tty"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    code, *loaded = done.stdout.splitlines()[-1].split()
    assert reason in done.stderr, done.stderr
    assert code != "0"
    assert set(loaded) & HEAVY == set()
