"""Pretend to be an arm: its firmware on a serial port, over TCP and as a web server."""

import signal
import threading
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, Protocol

from roarm_lab.emulator.addresses import listen, parse_address
from roarm_lab.emulator.board import Board
from roarm_lab.emulator.control import Control
from roarm_lab.emulator.fault_parser import with_fault
from roarm_lab.emulator.faults import Faults
from roarm_lab.emulator.firmware import firmware_named
from roarm_lab.emulator.http_port import WebPort
from roarm_lab.emulator.process import Addresses
from roarm_lab.emulator.pty_port import PtyPort
from roarm_lab.emulator.rfc2217_port import Rfc2217Port
from roarm_lab.emulator.serving import Serving
from roarm_lab.emulator.websocket_port import Broadcast
from roarm_lab.emulator.world import ServoWorld
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.workflows.devices.emulate_request import EmulateRequest
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Served

LOOK_S = 0.2
"""How often it is asked whether to end."""


class EmulatorConsole(Protocol):
    """Somebody who gives commands while it runs."""

    def start(self, control: Control, serving: Serving) -> None:
        """Say where the arm is, and obey from now on, in a thread of its own."""
        ...


def emulate(
    request: EmulateRequest, frontend: Frontend = UNATTENDED, *, console: EmulatorConsole | None = None
) -> None:
    """Pretend to be an arm until the front end cancels or the console says quit.

    Args:
        request: What to pretend and where.
        frontend: Hears where the arm is, unless a console says it.
        console: Gives commands: faults, pulled cables.

    Raises:
        BadInputError: An option makes no sense, or an address can not be listened on.
        MissingError: A serial port was asked for where there are no pseudo-terminals.
    """
    request.validate()
    serving, ended = Serving(_board(request)), threading.Event()
    with ExitStack() as stack:
        stack.callback(serving.close)
        addresses = _Ports(request, serving, stack)
        if threading.current_thread() is threading.main_thread():
            stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, lambda *_: serving.stop()))
        if console is not None:
            console.start(Control(serving, addresses), serving)
        else:
            for name, where in asdict(addresses.open()).items():
                if where is not None:
                    frontend.tell(Served(what=name, url=where))
        stack.callback(ended.set)
        threading.Thread(target=_stop_when_cancelled, args=(frontend, serving, ended), daemon=True).start()
        serving.run()


def _stop_when_cancelled(frontend: Frontend, serving: Serving, ended: threading.Event) -> None:
    while not ended.wait(LOOK_S):
        if frontend.cancelled():
            serving.stop()
            return


def _board(request: EmulateRequest) -> Board:
    faults = Faults(seed=request.seed)
    for text in request.fault:
        faults = with_fault(faults, text)
    board = Board(firmware_named(request.firmware), _world(request.cube), faults=faults)
    if request.booted:
        board.boot()
    return board


def _world(cube_pos_w: tuple[float, float, float] | None) -> ServoWorld:
    if cube_pos_w is None:
        return ServoWorld()
    world = ServoWorld(boxes=(Box(name="cube"),), config=SimConfig(contact="hold"))
    world.place_box("cube", cube_pos_w)
    return world


class _Ports:
    """The ways in that are asked for. Calling it says, for a console, where they are now and of which firmware."""

    def __init__(self, request: EmulateRequest, serving: Serving, stack: ExitStack) -> None:
        self.firmware = request.firmware
        self.rfc2217 = self.web = self.pty = None
        if request.rfc2217 is not None:
            self.rfc2217 = _rfc2217(request, serving)
        if request.http is not None:
            self.web = stack.enter_context(_web(request, serving))
        if request.pty or request.link or not (self.rfc2217 or self.web):
            self.pty = PtyPort(request.link)
            serving.ports.append(self.pty)

    def __call__(self) -> dict[str, Any]:
        return {"firmware": self.firmware, **asdict(self.open())}

    def open(self) -> Addresses:
        """Return where the arm can be reached now; None for a way in that nobody asked for."""
        return Addresses(
            serial=self.pty and self.pty.address,
            rfc2217=self.rfc2217 and self.rfc2217.address,
            http=self.web and self.web.address,
            websocket=self.web and self.web.websocket_address,
        )


def _rfc2217(request: EmulateRequest, serving: Serving) -> Rfc2217Port:
    board = serving.board
    listener = listen(parse_address(request.rfc2217 or "", "rfc2217"), "rfc2217", allow_remote=request.allow_remote)
    port = Rfc2217Port(listener, lambda dtr, rts: board.set_lines(dtr=dtr, rts=rts))
    serving.ports.append(port)
    return port


def _web(request: EmulateRequest, serving: Serving) -> WebPort:
    listener = listen(parse_address(request.http or "", "http"), "http", allow_remote=request.allow_remote)
    broadcast = Broadcast() if serving.board.firmware.queued else None
    if broadcast is not None:
        serving.listeners.append(broadcast.send)
    return WebPort(listener, serving.http, broadcast)
