"""`roarm emulate` as a person starts it: what it prints, what it takes from the keyboard, how it ends."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import serial

from roarm_lab.cli.emulator_console import in_words
from roarm_lab.cli.main import main
from tests.cli.commands import start_roarm

ENOUGH_S = 120.0


@pytest.fixture
def started(folder: Path) -> Callable[..., subprocess.Popen[str]]:
    def start(*words: str) -> subprocess.Popen[str]:
        return start_roarm("emulate", *words, folder=folder)

    return start


def test_without_flags_it_is_a_serial_port_until_ctrl_c(started: Callable[..., subprocess.Popen[str]]) -> None:
    with started() as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"serial port (\S+)\n", line)
        assert found, line
        with serial.Serial(found[1], 115200, timeout=ENOUGH_S) as port:
            while b'"T":1051' not in (line_of_arm := port.readline()):  # what it said before it was opened is lost
                assert line_of_arm, "it fell silent"
                port.write(b'{"T":105}\n')
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=ENOUGH_S)
        assert (process.returncode, err) == (130, "roarm: interrupted\n")
    assert not Path(found[1]).exists()


def test_a_polite_kill_takes_the_link_along(started: Callable[..., subprocess.Popen[str]], folder: Path) -> None:
    with started("--link", "roarm") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serial port roarm\n"
        process.terminate()
        assert process.wait(ENOUGH_S) == 0
    assert not (folder / "roarm").is_symlink()


def test_it_goes_on_without_a_keyboard_and_the_keyboard_ends_it(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "roarm_lab", "emulate", "--http", "0"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        out, _ = process.communicate("\nfault garbled-lines 0.5\nfaults\nclear\nhelp\nquit\n", timeout=ENOUGH_S)
    assert process.returncode == 0
    lines = out.splitlines()
    assert lines[0].startswith("web server  http://127.0.0.1:")
    assert lines[1].startswith("WebSocket   ws://127.0.0.1:")
    assert lines[2:5] == ["faults      garbled-lines 0.5", "faults      garbled-lines 0.5", "faults      none"]
    assert lines[5].startswith("unplug ")


def test_a_port_in_use_is_refused(one_line: Callable[..., str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        assert f"--rfc2217: can not listen on 127.0.0.1:{port}" in one_line("emulate", "--rfc2217", f":{port}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--http", "0.0.0.0:8080"), "could be reached by other computers"),
        (("--rfc2217", "here"), "--rfc2217 takes HOST:PORT"),
        (("--fault", "gremlins"), "There is no fault named 'gremlins'"),
        (("--fault", "dead-servo=3"), "11 to 17"),
        (("--cube", "nan", "0", "0"), "finite"),
        (("--seed", "-1"), "--seed must be 0 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(one_line: Callable[..., str], words: tuple[str, ...], message: str) -> None:
    assert message in one_line("emulate", *words)


def test_an_unknown_firmware_is_refused_with_the_two_there_are(refused: Callable[..., str]) -> None:
    err = refused("emulate", "--firmware", "0.84")
    assert "250108" in err
    assert "20260701" in err


def test_where_there_are_no_pseudo_terminals_it_says_what_works(
    one_line: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pty", None)  # as on Windows: importing it fails
    assert "roarm emulate --rfc2217 127.0.0.1:4000" in one_line("emulate", code=3)


def test_a_port_that_was_opened_is_given_back_when_the_next_one_is_refused(folder: Path) -> None:
    link = folder / "roarm"
    link.write_text("mine")
    for _ in range(2):  # the second time would find the first one's port in use
        with closing(socket.create_server(("127.0.0.1", 0))) as other:
            port = other.getsockname()[1]
        assert main(["emulate", "--rfc2217", f":{port}", "--http", f":{port + 1}", "--link", str(link)]) == 2
        socket.create_server(("127.0.0.1", port)).close()
    assert link.read_text() == "mine"


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulate", "--help"]) == 0
    out = capsys.readouterr().out
    for word in ("--rfc2217", "rfc2217://127.0.0.1:4000", "unplug", "--fault bus-unpowered", "exit codes"):
        assert word in out


def test_the_true_state_is_shown_as_json() -> None:
    assert in_words({"ok": True, "servos": {"11": {"goal": 2047}}}).startswith("{\n")
    assert in_words({"ok": True}) == "done"


def test_a_program_that_was_killed_before_it_heard_anything_leaves_no_emulator(folder: Path) -> None:
    words = [sys.executable, "-m", "roarm_lab", "emulate", "--json", "--end-with-stdin", "--pty", "--booted"]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(words, cwd=folder, stdin=pipe, stdout=pipe, stderr=nothing) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=ENOUGH_S)
