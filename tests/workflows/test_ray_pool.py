"""Calls on a real Ray, started for the test; and addresses of clusters that are none."""

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("ray")

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.provenance import usable_cores
from roarm_lab.workflows import ray_pool
from roarm_lab.workflows.ray_pool import check_address, joined, started


@contextmanager
def listening() -> Generator[str]:
    """Yield the address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


WRONG = (
    "somewhere localhost localhost: :6379 localhost:many localhost:0 host:70000 ray://localhost:10001 http://host:8265"
)


@pytest.mark.parametrize("address", ["", *WRONG.split()])
def test_what_is_no_address_is_refused_without_asking_anybody(address: str) -> None:
    with pytest.raises(BadInputError, match="`ray=` takes HOST:PORT of the head of a Ray cluster"):
        check_address(address)


def test_an_address_where_nothing_answers_is_said() -> None:
    with listening() as address:
        check_address(address)
    with pytest.raises(BadInputError, match="nothing answers there .*Is the cluster up"):
        check_address(address)


@pytest.mark.slow
def test_somebody_who_is_not_ray_is_said_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_pool, "JOIN_S", 8.0)  # Ray itself would go on for minutes
    with (
        listening() as address,
        pytest.raises(BadInputError, match="something answers, but does not let us in"),
        joined(address),
    ):
        pass


@pytest.mark.slow
def test_no_cluster_on_this_computer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")  # put back afterwards
    # Where another program has a Ray of its own, it is found, and does not let us in.
    with pytest.raises(BadInputError, match="`ray='auto'`: (Could not find|Failed to connect)"), joined("auto"):
        pass


@pytest.mark.slow
def test_each_call_has_a_process_of_its_own_and_its_death_is_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # nothing may be left there
    monkeypatch.setenv("RAY_AUTH_TOKEN", "")

    def call(what: str) -> str | None:  # a function of its own: Ray carries it along
        (tmp_path / f"{what}.pid").write_text(str(os.getpid()))
        if what == "crash":
            os.abort()
        if what == "mistake":
            raise ValueError("this is one")
        return "it can not be" if what == "refusal" else None

    what, ended, beats = ["fine", "crash", "mistake", "refusal", "also fine"], dict[str, str | None](), list[int]()
    with started() as pool:
        (machine,) = pool.machines()
        pool.run(
            call,
            what,
            cpus=1,
            gpus=0.0,
            ended=lambda index, failure: ended.update({what[index]: failure}),
            beat=lambda: beats.append(1),
        )
    assert ended == {
        "fine": None,
        "crash": "its process died",
        "mistake": "ValueError: this is one",
        "refusal": "it can not be",
        "also fine": None,
    }
    assert capsys.readouterr().out == ""  # Ray's own words do not come between ours
    assert machine.cpus == usable_cores()
    assert len(beats) >= len(what)
    processes = {path.read_text() for path in tmp_path.glob("*.pid")}
    assert len(processes) == len(what)
    assert str(os.getpid()) not in processes
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".pid"] * len(what)
