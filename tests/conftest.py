"""Before anything imports MuJoCo: draw without a screen where there is none and nobody has chosen a way.

Before anything is started: Ctrl-C works. A script's background jobs, `pytest &` in it, ignore SIGINT, and so would all
that the tests start and then interrupt.
"""

import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from ctypes.util import find_library
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from roarm_lab.rl.train import Trained

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

HAS_SCREEN = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))

# Without libEGL this would break the import of MuJoCo itself; tests that draw are then skipped and say why.
if sys.platform == "linux" and not HAS_SCREEN and "MUJOCO_GL" not in os.environ and find_library("EGL"):
    os.environ["MUJOCO_GL"] = "egl"

# Tests ask servers of this computer, which a proxy of the shell does not reach. What comes from afar still uses it.
_direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
os.environ["no_proxy"] = ",".join(filter(None, (_direct, "127.0.0.1,localhost,::1")))

# No example has to be done in 0.2 s.
settings.register_profile("any pace", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any pace")

# Torch's threads would otherwise spin while they wait, on the cores that the simulation needs: ten times slower here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what only a GPU can run."""
    if item.get_closest_marker("gpu") and not has_cuda():
        pytest.skip("no CUDA device")


def has_cuda() -> bool:
    """Whether PyTorch sees a CUDA device."""
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the working one."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs words which must be refused: exit code 2, a message, and nothing written."""

    from roarm_lab.cli.main import main

    def check(*words: str, code: int = 2) -> str:
        before = sorted(folder.rglob("*"))
        capsys.readouterr()
        assert main(words) == code
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.strip()
        assert "Traceback" not in captured.err
        assert sorted(folder.rglob("*")) == before
        return captured.err

    return check


@pytest.fixture
def one_line(refused: Callable[..., str]) -> Callable[..., str]:
    """Return a function like `refused` that also wants the message to be one line of ours; returns it."""

    def check(*words: str, code: int = 2) -> str:
        err = refused(*words, code=code)
        assert err.startswith("roarm: ")
        assert err.count("\n") == 1
        return err

    return check


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an arm in real time be driven on a busy machine as well; see `tests.patience`."""
    from tests.patience import be_patient

    be_patient(monkeypatch.setattr)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> "Trained":
    """A training of a few thousand steps, with everything that a run leaves behind. Copy it before changing it."""
    from tests.training import train_tiny

    return train_tiny(tmp_path_factory.mktemp("runs"))
