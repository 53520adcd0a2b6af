"""The tutorial `docs/my-first-task.md`, followed word by word in an empty folder."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from roarm_lab.policies.bundle import load_bundle
from tests.cli.commands import plain_environment

PAGE = (Path(__file__).parents[1] / "docs" / "my-first-task.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```(\w+)(?: title="([^"\n]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
LIMIT_S = 300.0  # of one block; all take 21 s when nothing else runs


def blocks(language: str) -> list[tuple[str, str]]:
    """Return (title, text) of the page's blocks in a language."""
    return [(title, text) for kind, title, text in BLOCK.findall(PAGE) if kind == language]


def test_the_page_writes_one_file_and_uses_set() -> None:
    assert [title for title, _ in blocks("python")] == ["my_tasks.py"]
    commands = [line for _, text in blocks("sh") for line in text.splitlines()]
    assert [line.split()[1] for line in commands] == ["train", "eval", "play", "train", "eval"]
    assert "--set" in commands[3]
    assert len(blocks("toml")) == 1


@pytest.mark.slow
def test_whoever_follows_the_page_gets_what_it_promises(folder: Path) -> None:
    for title, text in blocks("python"):
        (folder / title).write_text(text)
    (folder / "bin").mkdir()
    roarm = folder / "bin" / "roarm"
    roarm.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m roarm_lab "$@"\n')
    roarm.chmod(0o755)
    environment = plain_environment() | {"MUJOCO_GL": "egl"}
    environment["PATH"] = f"{roarm.parent}:{environment['PATH']}"
    said: list[str] = []
    for _, text in blocks("sh"):
        done = subprocess.run(
            ["sh", "-ec", text],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    first, second = sorted(folder.glob("runs/*"))
    assert [run.name[-12:] for run in (first, second)] == ["-come_down-0", "-come_down-1"]
    assert json.loads((first / "evaluation.json").read_text())["success_rate"] > 0.7
    assert "of 500 episodes" in said[1]
    assert re.search(r"down +│ \+0\.09", said[1])
    assert "come_down with the" in (folder / "come_down.html").read_text(encoding="utf-8")
    interface = load_bundle(second).contract.interface
    assert (interface["changes"], interface["success"]["params"]["within_m"]) == ({"success.within_m": 0.03}, 0.03)
    assert not (folder / "__pycache__").exists()
