"""Every command of these tests runs in an empty folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from roarm_lab.cli.main import main


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
