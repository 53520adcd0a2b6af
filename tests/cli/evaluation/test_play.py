"""`roarm play`: mistakes are named before anything is written, and every way of watching works."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.evaluation.rollout_recorder import LearningRecorder
from roarm_lab.tasks.reach import reach
from tests.bundles import still_bundle
from tests.view.show_fixture import still

START_S = 30.0  # a fresh interpreter on a busy machine; measured 0.7 s

WITHOUT_TORCH = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "stable_baselines3", "onnx"):
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Absent())
import roarm_lab.view.live_page
from roarm_lab.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return still_bundle(tmp_path_factory.mktemp("bundle") / "bundle")


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other.getsockname()[1]


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two files in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("there.html", "there.mp4"):
        Path(name).write_text("mine")
    return tmp_path


def started(*words: str, port: str = "0") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "roarm_lab", *words, "--port", port]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def test_an_export_is_a_page_with_as_many_episodes(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "replay.html"
    assert main(["play", str(bundle), "--export", str(out), "--episodes", "3"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    text = out.read_text(encoding="utf-8")
    assert "Episodes: 0 of 3 succeeded" in text  # a policy that never moves
    assert "reach with the Waveshare RoArm-M3-Pro" in text
    assert [path.name for path in out.parent.iterdir()] == ["replay.html"]


def test_the_demo_lifts_cubes_without_any_training(tmp_path: Path) -> None:
    out = tmp_path / "replay.html"
    assert main(["play", "--demo", "--export", str(out), "--episodes", "20"]) == 0
    found = re.search(r"Episodes: (\d+) of 20 succeeded", out.read_text(encoding="utf-8"))
    assert found is not None
    assert int(found[1]) >= 17  # 98 % would make 16 or fewer once in a hundred thousand times


@pytest.mark.parametrize("words", [(), ("runs/RUN", "--demo")])
def test_either_a_bundle_or_the_demo_is_played(one_line: Callable[..., str], words: tuple[str, ...]) -> None:
    assert "Give either a bundle or run folder" in one_line("play", *words)


def test_the_same_seed_exports_the_same_page(bundle: Path, tmp_path: Path) -> None:
    pages: list[bytes] = []
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        out = tmp_path / f"{name}.html"
        assert main(["play", str(bundle), "--export", str(out), "--episodes", "2", "--seed", seed]) == 0
        pages.append(out.read_bytes())
    assert pages[0] == pages[1] != pages[2]


def test_watching_needs_no_torch(bundle: Path, tmp_path: Path) -> None:
    words = ["play", str(bundle), "--export", str(tmp_path / "a.html"), "--episodes", "1"]
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'a.html'}\n"), done.stderr


def test_a_film_is_written(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av", reason="films need the extra video")
    out = tmp_path / "film.mp4"
    code = main(["play", str(bundle), "--video", str(out), "--episodes", "1"])
    captured = capsys.readouterr()
    if code == 3 and "Pictures can not be drawn here" in captured.err:
        pytest.skip(captured.err)
    assert (code, captured.out) == (0, f"{out}\n")
    assert out.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--episodes", "0"], "--episodes must be 1 or more, got 0."),
        (["--seed", "-1"], "--seed must be 0 or more, got -1."),
        (["--port", "70000"], "--port must be 1 to 65535, or 0 for any free one, got 70000."),
        (["--port", "-1"], "--port must be 1 to 65535"),
        (["--host", "192.0.2.1"], "--host '192.0.2.1' is not an address of this computer."),
        (["--video", "new/film.avi"], "--video writes MP4"),
        (["--export", "there.html"], "there.html exists already"),
        (["--export", "new/replay.html", "--video", "there.mp4"], "there.mp4 exists already"),
        (["--export", "."], "is a folder; a file is expected"),
        (["--episode", "3"], "--episode chooses among recorded episodes: add --rollouts."),
        (["--rollouts"], "There are no recorded rollouts in"),
        (["--rollouts", "--domain-randomization", "a.yaml"], "leave out --domain-randomization"),
    ],
)
def test_bad_input_is_one_message_and_writes_nothing(
    words: list[str], reason: str, bundle: Path, filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["play", str(bundle), *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("roarm: ")
    assert captured.err.count("\n") == 1
    assert reason in captured.err
    assert {path.name: path.read_text() for path in filled.iterdir()} == {"there.html": "mine", "there.mp4": "mine"}


def test_a_folder_that_is_no_bundle_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", str(tmp_path / "nothing"), "--export", str(tmp_path / "new" / "a.html")]) == 2
    assert "There is no policy bundle at" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_port_in_use_is_named_with_the_way_out(bundle: Path, taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", str(bundle), "--port", str(taken)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"Port {taken} of 127.0.0.1 is in use by another program" in captured.err
    assert f"--port {taken + 1}, or --port 0 for any free one." in captured.err


def test_a_missing_renderer_or_package_is_exit_code_3(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roarm_lab.view.video.find_spec", lambda name: None)
    assert main(["play", str(bundle), "--video", str(tmp_path / "new" / "a.mp4")]) == 3
    assert "A film needs av and pillow. Type: pip install 'roarm-lab[video]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="how to draw is chosen by MUJOCO_GL on Linux only")
def test_without_a_renderer_a_film_is_exit_code_3_and_says_what_to_install(bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="films need the extra video")
    out = tmp_path / "film.mp4"
    command = [sys.executable, "-m", "roarm_lab", "play", str(bundle), "--video", str(out), "--episodes", "1"]
    env = {**os.environ, "MUJOCO_GL": "disable"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "roarm: Pictures can not be drawn here" in done.stderr
    assert "apt-get install libegl1" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_worlds_that_differ_are_drawn_anew_for_every_episode(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dr.yaml"
    file.write_text("{}\n")  # the defaults
    words = ["play", str(bundle), "--episodes", "2", "--export"]
    for name in ("b", "c"):
        out = str(tmp_path / f"{name}.html")
        assert main([*words, out, "--domain-randomization", str(file)]) == 0
        assert f"worlds      they differ as {file} says\n" in capsys.readouterr().err  # trained on nominal ones
    assert main([*words, str(tmp_path / "nominal.html")]) == 0
    assert "simulated, worlds that differ, seed 0" in (tmp_path / "b.html").read_text(encoding="utf-8")
    drawn, again, nominal = (episodes_in(tmp_path / f"{name}.html") for name in ("b", "c", "nominal"))
    assert drawn == again != nominal


def test_a_bad_file_of_randomisation_is_named(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["play", str(bundle), "--export", str(tmp_path / "a.html"), "--domain-randomization"]
    assert main([*words, str(tmp_path / "nothing.yaml")]) == 2
    assert "nothing.yaml" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def episodes_in(path: Path) -> list[object]:
    """Return the recorded episodes of a replay."""
    found = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found
    return json.loads(found[1])["episodes"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with four recorded episodes and nothing else."""
    path = tmp_path_factory.mktemp("run")
    LearningRecorder(reach(), path / "rollouts")(1024, still)
    return path


def test_recorded_episodes_are_exported(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "replay.html"
    assert main(["play", str(recorded), "--rollouts", "--export", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    text = out.read_text(encoding="utf-8")
    assert "Episodes: 0 of 4 succeeded" in text
    assert "after 1,024 steps of learning: not done" in text
    words = ["play", str(recorded), "--rollouts", "--episode", "3", "--export", str(out), "--overwrite"]
    assert main(words) == 0
    assert "Episodes: 0 of 1 succeeded" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--episode", "0"], "--episode must be 1 to 4, as many were recorded, got 0."),
        (["--episode", "5"], "--episode must be 1 to 4, as many were recorded, got 5."),
        (["--episodes", "5"], "--episodes must be 1 to 4, as many are to be shown, got 5."),
    ],
)
def test_an_episode_that_was_not_recorded_is_refused_with_the_range(
    words: list[str], reason: str, recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "replay.html"
    assert main(["play", str(recorded), "--rollouts", "--export", str(out), *words]) == 2
    assert capsys.readouterr().err == f"roarm: {reason}\n"
    assert not list(tmp_path.iterdir())


def test_live_it_says_where_to_look_and_ctrl_c_ends_it(bundle: Path) -> None:
    process = started("play", str(bundle))
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        found = re.fullmatch(r"open        (http://127\.0\.0\.1:(\d+))\n", lines[0])
        assert found
        url, port = found.groups()
        assert re.fullmatch(rf"from afar   ssh .*-L {port}:localhost:{port} \S+@\S+\n", lines[1])
        assert lines[2].strip() == f"then open http://localhost:{port} there"
        with urllib.request.urlopen(url, timeout=START_S) as page:
            assert b"<html" in page.read(2000)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=START_S)
        assert (process.returncode, out, err) == (130, "", "roarm: interrupted\n")
    finally:
        process.kill()


def test_once_it_ends_by_itself(bundle: Path) -> None:
    process = started("play", str(bundle), "--once", "--episodes", "1")
    out, err = process.communicate(timeout=START_S)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("stop        Ctrl-C\n")
