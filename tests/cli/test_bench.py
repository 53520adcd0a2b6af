"""`roarm bench`: numbers beside a yardstick."""

import json
from collections.abc import Callable

import pytest

from roarm_lab.cli.main import main

QUICK = ("--seconds", "0.05")


def test_a_row_has_both_speeds_and_their_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "sim", "--worlds", "512", "--threads", "1", *QUICK, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["task"] == "reach"
    assert {"cpu", "cores", "load", "packages", "time_utc"} <= set(data["machine"])
    assert [(row["worlds"], row["threads"]) for row in data["rows"]] == [(512, 1)]
    for row in data["rows"]:
        assert row["env_steps_per_s"] > 0.0
        assert row["fraction"] == pytest.approx(row["env_steps_per_s"] / row["raw_steps_per_s"])


def test_a_table_has_one_line_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "sim", "--worlds", "512", "--threads", "2", *QUICK]) == 0
    about, head, *rows = capsys.readouterr().out.splitlines()
    assert "cores, load" in about
    assert head.split()[:2] == ["worlds", "threads"]
    assert [row.split()[:2] for row in rows] == [["512", "2"]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "raech"), "There is no task named 'raech'. Did you mean 'reach'?"),
        (("--worlds", "0"), "--worlds and --threads must be 1 or more"),
        (("--worlds", "8", "--threads", "0"), "--worlds and --threads must be 1 or more"),
        (("--seconds", "0"), "--seconds must be above 0 and at most 600, got 0.0"),
        (("--seconds", "nan"), "--seconds must be above 0 and at most 600, got nan"),
    ],
)
def test_what_makes_no_sense_is_refused(one_line: Callable[..., str], words: tuple[str, ...], message: str) -> None:
    assert message in one_line("bench", "sim", *words)


def test_only_the_simulation_can_be_measured(refused: Callable[..., str]) -> None:
    assert "sim" in refused("bench", "gateway")
