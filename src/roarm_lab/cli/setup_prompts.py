"""Who answers the questions of `roarm setup`: a person at a terminal, or every question's default."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.shown import shown_text

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """Who is asked. With `yes` nobody: every question has its default for an answer."""

    yes: bool

    def may(self, question: str) -> bool:
        """Ask whether something may be done.

        Raises:
            BadInputError: There is nobody to ask.
        """
        return self.yes or self._answer(f"{question} [y/N] ").lower() in {"y", "yes"}

    def text(self, question: str, default: str) -> str:
        """Ask for a text; an empty answer is the default.

        Raises:
            BadInputError: There is nobody to ask.
        """
        return default if self.yes else self._answer(f"{question} [{default or 'none'}] ") or default

    def value(self, question: str, default: str, read: Callable[[str], T]) -> T:
        """Ask until `read` makes a value of the answer.

        Raises:
            BadInputError: There is nobody to ask.
        """
        while True:
            answer = self.text(question, default)
            try:
                return read(answer)
            except BadInputError as error:
                if self.yes:
                    raise
                self.say(f"  {error}")

    def say(self, text: str) -> None:
        """Tell something."""
        sys.stdout.write(f"{shown_text(text)}\n")
        sys.stdout.flush()

    def _answer(self, question: str) -> str:
        if not sys.stdin.isatty():
            raise BadInputError(f"{question.strip()} Nobody can be asked here: say --yes.")
        try:
            return input(shown_text(question)).strip()
        except EOFError:  # Ctrl-D
            raise BadInputError("The input ended before this was answered; what was done before is kept.") from None
