"""Talking to a board as a person at a terminal would."""

import json
from typing import Any

from roarm_lab.emulator.board import Board


def send(board: Board, line: str) -> None:
    board.receive(line.encode() + b"\n")


def tell(board: Board, line: str, wait_s: float = 0.1) -> list[str]:
    """Send a line and return the lines that come within a time."""
    send(board, line)
    return lines(board.run(wait_s))


def lines(data: bytes) -> list[str]:
    return data.decode(errors="replace").split("\r\n")[:-1]


def ask(board: Board) -> dict[str, Any]:
    """Return the members of the answer to T:105."""
    answers = [line for line in tell(board, '{"T":105}', 0.3) if '"T":1051' in line]
    assert len(answers) == 1, answers
    return json.loads(answers[0])


def duration_s(board: Board, line: str, at_most_s: float = 30.0) -> float:
    """Return how long a command blocks: the time until the answer to a question sent with it has begun to come."""
    began_s = board.now_s
    send(board, line)
    send(board, '{"T":105}')
    while not board.run(0.002):
        assert board.now_s - began_s < at_most_s, "no answer"
    return board.now_s - began_s
