"""Asking a person before the arm moves."""

import sys

from roarm_lab.core.errors import BadInputError


def agreed(question: str, *, yes: bool) -> bool:
    """Ask a person; return whether it may be done.

    Args:
        question: What will happen, as a question.
        yes: Whether the command line has answered already.

    Raises:
        BadInputError: There is nobody to ask.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise BadInputError(f"{question} Nobody can be asked here: say --yes.")
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:  # Ctrl-D
        answer = ""
        print()
    if answer.strip().lower() in {"y", "yes"}:
        return True
    print("Nothing was done.")
    return False
