"""Another Python, started by one that was made deaf to Ctrl-C, as a script's background jobs are."""

import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from roarm_lab.core.python_process import OWN_PYTHON, children_hear_ctrl_c

DEAF = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"


@pytest.fixture
def deaf() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def child_is_deaf() -> bool:
    return subprocess.run([*OWN_PYTHON, "-c", DEAF], capture_output=True, text=True, check=True).stdout == "True\n"


@pytest.mark.usefixtures("deaf")
def test_children_hear_ctrl_c_and_their_parent_stays_as_it_was() -> None:
    with children_hear_ctrl_c():
        assert not child_is_deaf()
        signal.raise_signal(signal.SIGINT)  # still means nothing to this process
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.usefixtures("deaf")
def test_without_it_a_child_is_deaf_as_well() -> None:
    assert child_is_deaf()


@pytest.mark.usefixtures("deaf")
def test_in_another_thread_nothing_changes() -> None:
    found: list[object] = []

    def work() -> None:
        with children_hear_ctrl_c():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.SIG_IGN]


def test_a_handler_that_is_there_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    with children_hear_ctrl_c():
        assert signal.getsignal(signal.SIGINT) is before


def test_tests_and_what_they_start_hear_ctrl_c() -> None:
    assert callable(signal.getsignal(signal.SIGINT))
    assert not child_is_deaf()
