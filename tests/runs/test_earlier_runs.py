"""A run of an earlier version (revision 83deda2) goes on, is evaluated, explained and reported, whatever moved."""

import json
import shutil
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.runs.run_folder import RunFolder

EARLIER = Path(__file__).parents[1] / "data" / "earlier_run"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EARLIER, tmp_path / "run"))


@pytest.mark.slow
def test_an_earlier_run_goes_on(run: Path) -> None:
    assert main(["train", "--resume", str(run), "--total-timesteps", "5120"]) == 0
    assert RunFolder(run).read_curve()["steps"] == [1024.0, 2048.0, 3072.0, 4096.0, 5120.0]


def test_an_earlier_policy_is_evaluated(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(run), "--episodes", "8", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["episodes"] == 8


def test_an_earlier_run_is_explained_and_reported(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(run), "--episodes", "8"]) in {0, 1}
    assert main(["report", str(run)]) == 0
    assert "report.html" in capsys.readouterr().out
