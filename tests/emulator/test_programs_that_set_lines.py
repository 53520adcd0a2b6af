"""Programs that set modem lines: they end on a pseudo-terminal, as the help says, and run over RFC 2217."""

import errno
import re
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import serial

from roarm_lab.cli.devices.emulate import DESCRIPTION
from roarm_lab.emulator.addresses import LOOPBACK, Address, listen
from roarm_lab.emulator.board import Board
from roarm_lab.emulator.firmware import FW26
from roarm_lab.emulator.pty_port import PtyPort
from roarm_lab.emulator.rfc2217_port import Rfc2217Port
from roarm_lab.emulator.serving import Emulator

PAGE = Path(__file__).parents[2] / "docs" / "emulator-use.md"
ENOUGH_S = 60.0
PROGRAM = f"""
import sys

import serial

port = serial.Serial(sys.argv[1], baudrate=115200, dsrdtr=None, timeout={ENOUGH_S})
port.setRTS(False)
port.setDTR(False)
port.write(b'{{"T":105}}\\n')
answer = b""
while not answer.startswith(b'{{"T":1051'):
    answer = port.readline()
    assert answer
port.close()
print(answer.decode())
"""
"""What such programs do: open, let both lines go, ask."""


@pytest.fixture
def board() -> Board:
    board = Board(FW26)
    board.boot()
    return board


@pytest.fixture
def pseudo_terminal(board: Board) -> Generator[str]:
    port = PtyPort()
    with Emulator(board, [port]):
        yield port.address


@pytest.fixture
def over_tcp(board: Board) -> Generator[str]:
    port = Rfc2217Port(listen(Address(LOOPBACK, 0), "--rfc2217"), lambda dtr, rts: board.set_lines(dtr=dtr, rts=rts))
    with Emulator(board, [port]):
        yield port.address


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def starter() -> str:
    """The program of the page that starts another one."""
    return next(code for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "runpy" in code)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("line", ["rts", "dtr"])
def test_a_line_that_is_set_on_a_pseudo_terminal_is_an_error_as_the_help_says(pseudo_terminal: str, line: str) -> None:
    with serial.Serial(pseudo_terminal, 115200) as port, pytest.raises(OSError, match="Inappropriate ioctl") as error:
        setattr(port, line, False)
    assert error.value.errno == errno.ENOTTY == 25
    assert "[Errno 25] Inappropriate ioctl" in PAGE.read_text()
    assert "ends in an OSError" in " ".join(DESCRIPTION.split())


def test_what_the_help_names_instead_takes_the_lines_and_answers(over_tcp: str, board: Board) -> None:
    assert 'serial.serial_for_url("rfc2217://127.0.0.1:4000")' in DESCRIPTION
    before = board.resets
    with serial.serial_for_url(over_tcp, baudrate=115200, timeout=ENOUGH_S) as port:
        port.rts = False
        port.dtr = False
        port.write(b'{"T":105}\n')
        assert port.readline().startswith(b'{"T":1051')
    assert board.resets == before


def test_a_program_that_is_not_changed_runs_through_the_one_of_the_page(
    over_tcp: str, program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serial, "Serial", serial.Serial)  # put back afterwards
    monkeypatch.setattr(sys, "argv", ["through_rfc2217.py", str(program), over_tcp])
    exec(compile(starter(), "through_rfc2217.py", "exec"), {})
    assert capsys.readouterr().out.startswith('{"T":1051')
