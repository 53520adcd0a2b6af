"""A DISPLAY whose screen is gone does not keep pictures from being drawn."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from roarm_lab.core import rendering
from roarm_lab.core.rendering import choose_renderer, has_screen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to draw is chosen on Linux only")


@pytest.fixture
def x_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(rendering, "X_FOLDER", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "name", ["", ":", ":7", ":7.0", "unix:7", "localhost:99999", "localhost:59000", "a b:c", "/x:1"]
)
def test_a_display_that_nobody_serves_is_no_screen(name: str, x_folder: Path) -> None:
    assert not has_screen({"DISPLAY": name})


def test_a_socket_that_a_server_left_behind_is_no_screen(x_folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(x_folder / "X7"))
        server.listen()
        assert has_screen({"DISPLAY": ":7"})
        assert has_screen({"DISPLAY": ":7.0"})
        assert has_screen({"DISPLAY": "unix:7"})
    assert (x_folder / "X7").exists()
    assert not has_screen({"DISPLAY": ":7"})


def test_a_forwarded_display_is_a_screen_while_it_is_forwarded(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(rendering, "X_PORT", server.getsockname()[1] - 10)
        assert has_screen({"DISPLAY": "127.0.0.1:10.0"})
    assert not has_screen({"DISPLAY": "127.0.0.1:10.0"})


@pytest.mark.parametrize(
    ("environ", "chosen"),
    [
        ({}, "egl"),
        ({"DISPLAY": ""}, "egl"),
        ({"DISPLAY": ":7"}, "egl"),
        ({"DISPLAY": ":8"}, None),
        ({"DISPLAY": ":7", "MUJOCO_GL": "glfw"}, "glfw"),
    ],
)
def test_egl_is_chosen_where_no_screen_answers(
    environ: dict[str, str], chosen: str | None, x_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "MUJOCO_GL"):
        monkeypatch.setenv(name, "")  # so that it is put back, also where it was not set
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(rendering, "has_egl", lambda: True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(x_folder / "X8"))
        server.listen()
        choose_renderer()
    assert os.environ.get("MUJOCO_GL") == chosen


def test_where_there_is_no_egl_either_mujoco_is_told_not_to_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look for EGL when it is imported, and every command would end in its traceback."""
    for name in ("DISPLAY", "MUJOCO_GL"):
        monkeypatch.setenv(name, "")  # so that it is put back, also where it was not set
        monkeypatch.delenv(name)
    monkeypatch.setattr(rendering, "has_egl", lambda: False)
    choose_renderer()
    assert os.environ.get("MUJOCO_GL") == "disable"
    code = "import mujoco; from roarm_lab.sim import renderer"
    subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=True)
