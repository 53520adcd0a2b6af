"""`roarm setup` in the terminal: flags become a request, questions are typed, and each end has its exit code."""

import builtins
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from roarm_lab.cli.devices.setup import STEPS
from roarm_lab.cli.main import main
from roarm_lab.robots.station import Station
from roarm_lab.workflows.devices import setup
from roarm_lab.workflows.devices.setup import SetupResult
from roarm_lab.workflows.devices.setup_request import SetupRequest
from roarm_lab.workflows.frontend import Frontend, NotPermittedError, Question

FILE = Path("station.yaml")
LIMITS = ("setup", "--step", "limits", "--arm", "serial:/nowhere/tty")
"""A step that needs no arm."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[SetupRequest]:
    """Return the requests that are made; none is fulfilled: an arm is to move, and then all steps were left out."""
    requests = list[SetupRequest]()

    def leave_out(request: SetupRequest, frontend: Frontend) -> SetupResult:
        requests.append(request)
        if frontend.ask(Question(code="arm-moves", text="Is its way free?")) is None:
            raise NotPermittedError("Not permitted: nothing was done.")
        station = Station(robot="roarm_m3")
        return SetupResult(path=FILE, station=station, done=("motion",) if request.name else (), left_out=())

    monkeypatch.setattr(setup, "set_up_arm", leave_out)
    return requests


def test_flags_become_a_request_and_the_exit_code_says_whether_anything_was_done(asked: list[SetupRequest]) -> None:
    words = [
        "--limits",
        "base",
        "-1",
        "1",
        "elbow",
        "0.2",
        "2.5",
        "--zero-deg",
        "base",
        "2",
        "--camera",
        "a",
        "usb:1:2",
    ]
    assert main(["setup", "--yes", "--name", "bench", *words, "--workspace-m", *"012345", "--stop-file", ""]) == 0
    (request,) = asked
    assert request.limits == (("base", -1.0, 1.0), ("elbow", 0.2, 2.5))
    assert (request.zero_deg, request.camera) == ((("base", 2.0),), (("a", "usb:1:2"),))
    assert (request.workspace_m, request.stop_file) == ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0), "")
    assert not request.attended  # who asks nothing does not look where joints stand
    assert main(["setup", "--yes"]) == 1


@pytest.mark.parametrize("typed", ["y", ""])
def test_a_person_is_there_and_may_say_no(
    typed: str, asked: list[SetupRequest], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "input", lambda text: typed)
    assert main(["setup"]) == 1  # said no; or yes, and all was left out
    assert asked[0].attended
    assert ("Not permitted" in capsys.readouterr().err) == (not typed)


def test_a_person_has_to_be_there_or_yes_said(asked: list[SetupRequest], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "--step", "motion"]) == 2  # the input of a test is no terminal
    assert "Nobody can be asked here: say --yes" in capsys.readouterr().err
    assert len(asked) == 1


def test_all_that_is_typed_is_asked_until_it_fits(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["0 9", "-1 1"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "input", lambda text: next(typed) if "base" in text else "")
    assert main(LIMITS) == 0
    shown = capsys.readouterr().out
    assert "must lie inside the hardware's" in shown
    assert "has what was found by: limits\n" in shown
    assert "base: [-1.0, 1.0]" in (folder / FILE).read_text()


@pytest.mark.parametrize(("end", "code"), [(EOFError, 2), (KeyboardInterrupt, 130)])
def test_ctrl_d_and_ctrl_c_end_it(
    end: type[BaseException],
    code: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ended(question: str) -> str:
        raise end

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "input", ended)
    assert main(LIMITS) == code
    assert ("The input ended before this was answered" in capsys.readouterr().err) == (end is EOFError)
    assert not (folder / FILE).exists()


def test_bad_words_are_refused(refused: Callable[..., str]) -> None:
    assert "There is no joint named 'bass'" in refused("setup", "--yes", "--limits", "bass", "-1", "1")
    assert "is not the address of an arm" in refused("setup", "--yes", "--arm", "usb")


def test_what_was_left_out_names_the_flag_that_does_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "--yes", "--step", "zero", "--arm", "serial:/nowhere/tty"]) == 1
    shown = capsys.readouterr().out
    assert "left out: nobody looks (--zero-deg says where joints stand)" in shown
    assert shown.endswith("found by: no step; left out: zero\n")


def test_the_list_says_the_steps_and_what_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "--list"]) == 0
    shown = capsys.readouterr().out
    assert all(step in shown for step in STEPS)
    assert "There is no station.yaml yet." in shown
    FILE.write_text("robot: roarm_m3\nname: bench\n")
    assert main(["setup", "--list"]) == 0
    assert "name: bench" in capsys.readouterr().out
    assert main(["setup", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Ctrl-C keeps what was done" in shown
    assert "like roarm doctor --arm" in shown
    assert "--attended" not in shown  # that is what --yes says
