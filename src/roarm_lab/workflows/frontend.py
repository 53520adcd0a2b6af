"""Who a use case talks to: it tells what happens and asks what it may do, and may be told to stop.

The command line, a notebook, a browser page and an agent are front ends; a use case knows none of them.
"""

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from roarm_lab.core.errors import BadInputError, RoarmLabError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far something is that takes long."""

    stage: str
    """What is being done, for instance `training`."""
    done: int
    total: int
    text: str = ""
    """The state in words."""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """The state in numbers, named with their units."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A sentence for a person; `code` says for programs what it is about."""

    code: str
    text: str
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True, kw_only=True)
class Served:
    """A page can be opened."""

    what: str
    url: str
    tunnel: str | None = None
    """How to reach it from another computer, where that takes a command."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """Something is on the disk now."""

    what: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class EpisodeEnded:
    """An episode on an arm is over."""

    number: int
    """From 0."""
    success: bool | None
    """None where nobody could tell."""
    distance_m: float | None
    held: str | None = None
    """Why the arm was held before the episode's end; None if it was not."""


@dataclass(frozen=True, kw_only=True)
class DryCycle:
    """What a policy would send in one control cycle, while nothing is sent."""

    episode: int
    """From 0."""
    cycle: int
    step_rad: tuple[float, ...]
    """From where each joint is [joint] rad."""


Event = Progress | Notice | Served | Written | EpisodeEnded | DryCycle


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a use case must know before it goes on."""

    code: Literal["arm-moves", "arm-lets-go", "overwrite", "value"]
    """What it is about: a front end may answer some kinds by itself and refuse others."""
    text: str
    default: str | None = None
    """The answer to a question for a value when a person has nothing to say; None for a question that permits."""


class Frontend(Protocol):
    """Hears what happens, answers questions, and says when to stop. Used from the thread that runs the use case."""

    def tell(self, event: Event) -> None:
        """Show an event, or leave it; must not raise."""
        ...

    def ask(self, question: Question) -> str | None:
        """Return the answer; None means no. For a question that permits any text means yes.

        Raises:
            BadInputError: There is nobody to ask, and the question has no safe answer.
        """
        ...

    def cancelled(self) -> bool:
        """Whether the use case should end: it saves what it has, holds the arm, and raises `CancelledError`."""
        ...


class CancelledError(KeyboardInterrupt):
    """The front end asked a use case to end. Passes on its way everything that Ctrl-C passes."""


class NotPermittedError(RoarmLabError):
    """What was to be done needs a permission that was not given. Nothing was done."""


class Unattended:
    """Nobody is there: events go to `logging`, defaults are taken, nothing that moves an arm is permitted."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("roarm_lab")
        self._cancel = threading.Event()

    def tell(self, event: Event) -> None:
        """Log the event; progress as a debug message."""
        level = logging.INFO
        if isinstance(event, Progress):
            level = logging.DEBUG
        elif isinstance(event, Notice) and event.level == "warning":
            level = logging.WARNING
        self._logger.log(level, "%s", in_words(event))

    def ask(self, question: Question) -> str | None:
        """Return the default; None where a person would have to permit something."""
        return question.default

    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """Ask what runs with this front end to end; may be called from any thread."""
        self._cancel.set()


class Notebook(Unattended):
    """A person at a notebook or a Python prompt: events are printed, questions asked with `input`."""

    def tell(self, event: Event) -> None:
        """Print the event; progress on one line that is written over."""
        end = "\r" if isinstance(event, Progress) and event.done < event.total else "\n"
        sys.stdout.write(f"{in_words(event)}{end}")
        sys.stdout.flush()

    def ask(self, question: Question) -> str | None:
        """Ask with `input`; what permits something needs the answer yes."""
        if question.default is None:
            return "yes" if input(f"{question.text} [y/N] ").strip().lower() in {"y", "yes"} else None
        return input(f"{question.text} [{question.default or 'none'}] ").strip() or question.default


UNATTENDED = Unattended()
"""The default of every use case."""


def permitted(frontend: Frontend, code: Literal["arm-moves", "arm-lets-go", "overwrite"], text: str) -> bool:
    """Ask whether something may be done."""
    return frontend.ask(Question(code=code, text=text)) is not None


def require_permission(frontend: Frontend, code: Literal["arm-moves", "arm-lets-go", "overwrite"], text: str) -> None:
    """Go on only if something may be done.

    Raises:
        NotPermittedError: It may not.
    """
    if not permitted(frontend, code, text):
        raise NotPermittedError(f"Not permitted: {text} Nothing was done.")


def ask_value(frontend: Frontend, text: str, default: str, read: Callable[[str], T]) -> T:
    """Ask until `read` makes a value of the answer.

    Raises:
        BadInputError: The default itself makes no value.
    """
    while True:
        answer = frontend.ask(Question(code="value", text=text, default=default))
        answer = default if answer is None else answer
        try:
            return read(answer)
        except BadInputError as error:
            if answer == default:
                raise
            frontend.tell(Notice(code="no-value", text=str(error), level="warning"))


def end_if_cancelled(frontend: Frontend) -> None:
    """Let a use case end here if its front end wants it to.

    Raises:
        CancelledError: It does.
    """
    if frontend.cancelled():
        raise CancelledError("cancelled")


def in_words(event: Event) -> str:
    """Return an event as a line of text."""
    match event:
        case Progress():
            share = f" ({event.done / event.total:.0%})" if event.total else ""
            return f"{event.stage} {event.done:,}/{event.total:,}{share}" + (f", {event.text}" if event.text else "")
        case Notice():
            return event.text
        case Served():
            return f"{event.what}: {event.url}" + (f" (from elsewhere: {event.tunnel})" if event.tunnel else "")
        case Written():
            return f"{event.what}: {event.path}"
        case EpisodeEnded():
            judged = {True: "success", False: "failed", None: "not judged"}[event.success]
            return f"episode {event.number + 1}: {judged}" + (f" (held: {event.held})" if event.held else "")
        case DryCycle():
            steps = " ".join(f"{step:+.3f}" for step in event.step_rad)
            return f"cycle {event.episode + 1:3} {event.cycle:4}  would move [{steps}] rad"
