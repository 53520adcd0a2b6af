"""The arm's USB port as a pseudo-terminal: a program opens it like a serial port, and bytes pass as on one.

What a pseudo-terminal has not: a baud rate (the emulator keeps the line's pace itself) and modem lines. A program that
sets DTR or RTS, or asks for CTS, gets an OSError; see `rfc2217_port` for those.
"""

import os
import select
import stat
from contextlib import suppress
from pathlib import Path

from roarm_lab.core.errors import BadInputError, MissingError

READ_BYTES = 4096


class PtyPort:
    """The computer's end of the cable is a device file, ours the other side of it. Never blocks.

    While no program has the device open, what the arm says is lost, as it is with a real serial port. What an open
    program does not fetch waits in the operating system's buffer, and when that is full, is lost too.
    """

    def __init__(self, link: Path | None = None) -> None:
        """Open a pseudo-terminal.

        Args:
            link: A symbolic link that leads to the device also after `unplug` and `replug`, as udev makes one.

        Raises:
            MissingError: This system has no pseudo-terminals (Windows).
            BadInputError: There is something at `link` already, or it can not be made.
        """
        _needs_pty()
        if link is not None:
            _refuse_used(link)
        self.link = link
        self.device: str | None = None
        """The device file, `/dev/pts/7` or so; None while unplugged."""
        self._master: int | None = None
        self._opened = False
        self.replug()

    @property
    def address(self) -> str:
        """What to open: the link where there is one, else the device."""
        return str(self.link) if self.link is not None else self.device or ""

    def waiting_on(self) -> list[int]:
        """Return the file descriptors that become readable when bytes arrive."""
        return [self._master] if self._master is not None and self._is_open() else []

    def read(self) -> bytes:
        """Return what the computer has sent since the last call."""
        if self._master is None or not self._is_open():
            return b""
        try:
            return os.read(self._master, READ_BYTES)
        except OSError:  # nothing there, or (EIO) the program has just closed the device
            return b""

    def write(self, data: bytes) -> None:
        """Hand bytes to the computer; those it has no room for are lost."""
        if self._master is not None and self._is_open():
            with suppress(OSError):
                os.write(self._master, data)

    def unplug(self) -> None:
        """Pull the cable: a program that has the device open gets an error from it, and the device is gone."""
        if self._master is not None:
            os.close(self._master)
            self._master, self.device = None, None
        self._remove_link()

    def replug(self) -> None:
        """Plug the cable in again: a device of a new name, behind the same link. Nothing if it is plugged in.

        Raises:
            BadInputError: The link can not be made.
        """
        if self._master is not None:
            return
        self._master, self.device = _open_pty()
        if self.link is not None:
            try:
                self.link.symlink_to(self.device)
            except OSError as error:
                os.close(self._master)
                raise BadInputError(f"`link={str(self.link)!r}` can not be made: {error.strerror}.") from error

    def close(self) -> None:
        """Take device and link away."""
        self.unplug()

    def _is_open(self) -> bool:
        """Whether a program has the device open. When the last one closes it, what it left unread is dropped."""
        if self._master is None:
            return False
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        flags = dict(poll.poll(0)).get(self._master, 0)
        opened = not flags & select.POLLHUP
        if self._opened and not opened:
            _forget_unread(self.device or "")
        self._opened = opened
        return opened or bool(flags & select.POLLIN)  # the last words of a program that wrote and closed at once

    def _remove_link(self) -> None:
        if self.link is not None:
            self.link.unlink(missing_ok=True)


def _open_pty() -> tuple[int, str]:
    """Return the master's descriptor and the device's name of a new pair that passes bytes on untouched."""
    import pty  # noqa: PLC0415 (not on Windows)
    import tty  # noqa: PLC0415 (not on Windows)

    master, slave = pty.openpty()
    tty.setraw(slave)  # for programs that do not set it themselves, and so that nothing is echoed
    device = os.ttyname(slave)
    os.close(slave)  # so that the master can tell whether anybody has the device open
    os.set_blocking(master, False)
    return master, device


def _forget_unread(device: str) -> None:
    """Empty the computer's receive buffer; only the device's own side can do that."""
    import termios  # noqa: PLC0415 (not on Windows)

    with suppress(OSError, termios.error):
        slave = os.open(device, os.O_RDWR | os.O_NOCTTY)
        try:
            termios.tcflush(slave, termios.TCIFLUSH)
        finally:
            os.close(slave)


def _needs_pty() -> None:
    try:
        import pty  # noqa: PLC0415 (this is the question)
    except ImportError as error:
        raise MissingError(
            "This system has no pseudo-terminals, so there can be no serial port. Use a network port instead: "
            "`emulate(rfc2217='127.0.0.1:4000')`, then open rfc2217://127.0.0.1:4000."
        ) from error
    del pty


def _refuse_used(link: Path) -> None:
    """Refuse a link that leads somewhere or is a file; a dangling one is the rest of an emulator that was killed."""
    try:
        kind = link.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(kind) and not link.exists():
        link.unlink()
        return
    raise BadInputError(f"`link={str(link)!r}` exists already (another emulator's?). Remove it or give another name.")
