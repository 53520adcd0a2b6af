"""Front ends that come with the library: nobody, and a person at a Python prompt."""

import logging
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.workflows.frontend import (
    UNATTENDED,
    CancelledError,
    EpisodeEnded,
    Event,
    Notebook,
    Notice,
    Progress,
    Question,
    Served,
    Unattended,
    Written,
    ask_value,
    end_if_cancelled,
    in_words,
    permitted,
)

MOVES = Question(code="arm-moves", text="Is its way free?")
PORT = Question(code="value", text="Which port?", default="8080")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Progress(stage="training", done=1500, total=3000, text="fast"), "training 1,500/3,000 (50%), fast"),
        (Progress(stage="waiting", done=0, total=0), "waiting 0/0"),
        (Notice(code="drift", text="Another cube."), "Another cube."),
        (
            Served(what="page", url="http://localhost:1", tunnel="ssh x"),
            "page: http://localhost:1 (from elsewhere: ssh x)",
        ),
        (Written(what="report", path=Path("a/b")), "report: a/b"),
        (EpisodeEnded(number=2, success=None, distance_m=None, held="stale"), "episode 3: not judged (held: stale)"),
        (EpisodeEnded(number=0, success=True, distance_m=0.1), "episode 1: success"),
    ],
)
def test_every_event_is_a_line(event: Event, words: str) -> None:
    assert in_words(event) == words


def test_nobody_permits_nothing_and_takes_the_defaults(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "roarm_lab"):
        UNATTENDED.tell(Notice(code="drift", text="Another cube.", level="warning"))
        UNATTENDED.tell(Progress(stage="training", done=1, total=2))
        UNATTENDED.tell(Written(what="log", path=Path("x")))
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "INFO"]
    assert UNATTENDED.ask(MOVES) is None
    assert not permitted(UNATTENDED, "arm-moves", "Is its way free?")
    assert ask_value(UNATTENDED, "Which port?", "8080", int) == 8080


def test_a_use_case_ends_where_its_front_end_wants_it() -> None:
    frontend = Unattended()
    end_if_cancelled(frontend)
    frontend.cancel()
    with pytest.raises(CancelledError):
        end_if_cancelled(frontend)


@pytest.mark.parametrize(("typed", "answer"), [("y", "yes"), ("YES ", "yes"), ("", None), ("of course", None)])
def test_a_person_permits_with_yes_only(typed: str, answer: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda text: typed)
    assert Notebook().ask(MOVES) == answer


def test_a_value_is_asked_for_until_it_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def port(text: str) -> int:
        if not text.isdigit():
            raise BadInputError(f"{text} is no port.")
        return int(text)

    typed = iter(["x", "", "7"])
    monkeypatch.setattr("builtins.input", lambda text: next(typed))
    assert ask_value(Notebook(), "Which port?", "8080", port) == 8080
    assert capsys.readouterr().out == "x is no port.\n"
    assert Notebook().ask(PORT) == "7"
    with pytest.raises(BadInputError, match="none"):
        ask_value(UNATTENDED, "Which port?", "none", port)


def test_progress_is_written_over_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for done in (1, 2):
        Notebook().tell(Progress(stage="playing", done=done, total=2))
    assert capsys.readouterr().out == "playing 1/2 (50%)\rplaying 2/2 (100%)\n"
