"""The terminal as a front end: progress without one, and what happens is a line."""

import sys
from pathlib import Path

import pytest

from roarm_lab.cli import console
from roarm_lab.cli.console import Terminal, fell_short, terminal
from roarm_lab.core.errors import BadInputError
from roarm_lab.workflows.frontend import Event, Notice, Progress, Question, Served, Written


def progress(stage: str, done: int, text: str = "", total: int = 1000) -> Progress:
    return Progress(stage=stage, done=done, total=total, text=text)


def test_without_a_terminal_progress_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now_s[0])
    with terminal() as frontend:
        for now_s[0], done, text in ((0.0, 600, "a"), (5.0, 650, "b"), (20.0, 700, "c"), (31.0, 1000, "")):
            frontend.tell(progress("training", done, text))
    # 100 steps in 20 s, since the first event said that 600 had been done before: 300 more take a minute.
    assert capsys.readouterr().err == "training 700/1,000 (70%), about 60 s left, c\ntraining 1,000/1,000 (100%)\n"


def test_nothing_done_yet_says_nothing_about_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now_s[0])
    with terminal() as frontend:
        for now_s[0] in (1.0, 20.0):
            frontend.tell(progress("sweeping", 600))
    assert capsys.readouterr().err == "sweeping 600/1,000 (60%)\n"


class Unread:
    """What a pipe is whose reader went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe", text)

    def isatty(self) -> bool:
        return False


def test_nobody_who_reads_the_progress_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LINE_EVERY_S", 0.0)
    with terminal() as frontend:
        frontend.tell(progress("training", 1))
        monkeypatch.setattr(sys, "stderr", Unread())
        frontend.tell(progress("training", 5))
        frontend.tell(Notice(code="stopped", text="stopped"))


@pytest.mark.parametrize(
    ("event", "out", "err"),
    [
        (
            Notice(code="stopped", text="on: `train(resume='a b', gpus=2)`"),
            "",
            "\nroarm: on: roarm train --resume 'a b' --gpus 2\n",
        ),
        (Notice(code="worlds", text="nominal"), "", "worlds      nominal\n"),
        (Written(what="run folder", path=Path("runs/a")), "", "run folder  runs/a\n"),
        (
            Served(what="reach", url="http://127.0.0.1:8080", tunnel="ssh -L 8080:localhost:8080 me@here"),
            "open        http://127.0.0.1:8080\nfrom afar   ssh -L 8080:localhost:8080 me@here\n"
            "            then open http://localhost:8080 there\nstop        Ctrl-C\n",
            "",
        ),
    ],
)
def test_what_happens_is_a_line(event: Event, out: str, err: str, capsys: pytest.CaptureFixture[str]) -> None:
    with terminal() as frontend:
        frontend.tell(event)
    assert capsys.readouterr() == (out, err)


def test_with_yes_nobody_is_asked_and_without_a_terminal_nobody_can_be() -> None:
    moves = Question(code="arm-moves", text="It moves now. Is its way free?")
    assert Terminal(yes=True).ask(moves) == "yes"
    assert Terminal(yes=True).ask(Question(code="value", text="which?", default="3")) == "3"
    with pytest.raises(BadInputError, match="Nobody can be asked here"):
        Terminal().ask(moves)


def test_a_share_below_the_bar_is_said_with_enough_digits(capsys: pytest.CaptureFixture[str]) -> None:
    assert not fell_short("success rate", 0.9, 0.9)
    assert not fell_short("success rate", None, 0.9)
    assert fell_short("success rate", 0.8999, 0.9)
    assert capsys.readouterr().err == "roarm: the success rate 0.8999 is below --min-success 0.9.\n"
