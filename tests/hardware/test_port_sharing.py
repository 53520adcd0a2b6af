"""Two programs on one port: it is said, and on Linux which the other one is."""

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from roarm_lab.core.errors import MissingError
from roarm_lab.hardware import roarm_m3
from roarm_lab.hardware.link import SharedPortError
from roarm_lab.hardware.port_discovery import port_error
from roarm_lab.hardware.port_sharing import PROC, others_at, shared
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.hardware.serial_link import SerialLink
from tests.hardware.fake_port import APort

pytestmark = pytest.mark.skipif(not (PROC / "self" / "fd").exists(), reason="only Linux tells who has a file open")
HAS_IT_OPEN = "import sys; port = open(sys.argv[1], 'rb', 0); print('open', flush=True); sys.stdin.read()"
TAKES_ALL = "import sys; port = open(sys.argv[1], 'rb', 0); print('open', flush=True)\nwhile True: port.read(1)"


@contextmanager
def monitor(place: str, program: str = HAS_IT_OPEN) -> Generator[int]:
    """Yield the number of another process that has a port open, as a serial monitor has."""
    words = (sys.executable, "-c", program, place)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def port() -> Iterator[APort]:
    with APort() as port:
        yield port


def test_who_has_a_port_open_is_named_and_links_are_followed(port: APort, tmp_path: Path) -> None:
    (tmp_path / "arm").symlink_to(port.place)
    assert others_at(port.place) == ()  # this process is none of the others
    with monitor(port.place) as number:
        for place in (port.place, str(tmp_path / "arm")):
            (other,) = others_at(place)
            assert other.startswith(sys.executable[:20])
            assert other.endswith(f"(process {number})")
        assert f"Another program reads the port {port.place}: " in shared(port.place)
    assert shared(port.place) == ""


def test_a_process_that_offers_a_pseudo_terminal_is_no_other_reader_of_it(tmp_path: Path) -> None:
    """An emulated arm keeps its own port open."""
    process_at(tmp_path / "100", "roarm emulate", {3: "/dev/ptmx", 4: "/dev/pts/7"}, terminal=7)
    process_at(tmp_path / "200", "screen /dev/pts/7", {3: "/dev/ptmx", 4: "/dev/pts/7"}, terminal=8)
    process_at(tmp_path / "300", "", {4: "/dev/pts/7"}, terminal=None)
    (tmp_path / "400").mkdir()  # another user's: what it has open is not told
    found = others_at("/dev/pts/7", tmp_path)
    assert found == ("screen /dev/pts/7 (process 200)", "a program (process 300)")


def process_at(folder: Path, command: str, files: dict[int, str], *, terminal: int | None) -> None:
    """Write what Linux tells about a process."""
    for name in ("fd", "fdinfo"):
        (folder / name).mkdir(parents=True)
    (folder / "cmdline").write_bytes(command.replace(" ", "\0").encode())
    for number, target in files.items():
        (folder / "fd" / str(number)).symlink_to(target)
        index = f"tty-index:\t{terminal}\n" if target.endswith("ptmx") else ""
        (folder / "fdinfo" / str(number)).write_text(f"pos:\t0\n{index}")


def test_bytes_that_another_program_took_are_no_pulled_cable(port: APort) -> None:
    link = SerialLink(port.place)
    with monitor(port.place) as number, pytest.raises(SharedPortError) as told:
        said_and_taken_by_another(port, link)
    assert "another program reads this port: " in str(told.value)
    assert f"(process {number}). Close it" in str(told.value)
    assert "cable" not in str(told.value)
    link.close()


def said_and_taken_by_another(port: APort, link: SerialLink) -> None:
    """Let this program be woken for bytes that are gone when it comes to read them."""
    take = os.read

    def too_late(descriptor: int, count: int) -> bytes:
        take(descriptor, 4096)  # the other program was quicker
        return b""

    with pytest.MonkeyPatch.context() as patch:
        port.say(b"x" * 100)
        patch.setattr("serial.serialposix.os.read", too_late)
        link.read(5.0)


def test_a_pulled_cable_is_still_one(port: APort) -> None:
    link = SerialLink(port.place)
    port.unplug()
    with pytest.raises(MissingError, match="its port is gone"):
        link.read(5.0)


def test_a_busy_port_is_said_to_be_whose(port: APort) -> None:
    with monitor(port.place) as number:
        assert f"(process {number}). Close it" in str(port_error(port.place, OSError(16, "Device or resource busy")))


def test_an_arm_whose_words_another_program_takes_is_not_called_switched_off(
    port: APort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roarm_m3, "SILENT_S", 0.3)
    port.silent = True
    with monitor(port.place) as number, pytest.raises(MissingError, match=f"Another program .* \\(process {number}\\)"):
        RoArmM3.connect(f"serial:{port.place}")
