"""Emulating as the command line does it: ports from flags, commands from stdin, addresses to stdout."""

import json
import signal
import threading
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import Any, TextIO

from roarm_lab.cli.devices.emulate import EmulateArguments
from roarm_lab.core.errors import RoarmLabError
from roarm_lab.core.shown import shown_text
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
from roarm_lab.emulator.serving import Serving, StoppedError
from roarm_lab.emulator.websocket_port import Broadcast
from roarm_lab.emulator.world import ServoWorld
from roarm_lab.sim.backend import Box, SimConfig


def emulate(arguments: EmulateArguments, commands: TextIO, out: TextIO) -> None:
    """Pretend to be an arm until `quit`, Ctrl-C or, if so asked, the end of the commands.

    Raises:
        BadInputError: A flag makes no sense, or an address can not be listened on.
        MissingError: A serial port was asked for where there are no pseudo-terminals.
    """
    serving = Serving(_board(arguments))
    with ExitStack() as stack:
        stack.callback(serving.close)
        addresses = _Ports(arguments, serving, stack)
        control = Control(serving, addresses)
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, lambda *_: serving.stop()))
        Console(control, commands, out, as_json=arguments.json).start(serving, end_with_input=arguments.end_with_stdin)
        serving.run()


def _board(arguments: EmulateArguments) -> Board:
    faults = Faults(seed=arguments.seed)
    for text in arguments.fault:
        faults = with_fault(faults, text)
    board = Board(firmware_named(arguments.firmware), _world(arguments.cube), faults=faults)
    if arguments.booted:
        board.boot()
    return board


def _world(cube_pos_w: tuple[float, float, float] | None) -> ServoWorld:
    if cube_pos_w is None:
        return ServoWorld()
    world = ServoWorld(boxes=(Box(name="cube"),), config=SimConfig(contact="hold"))
    world.place_box("cube", cube_pos_w)
    return world


class _Ports:
    """The ways in that the flags ask for. Calling it says where they are now."""

    def __init__(self, arguments: EmulateArguments, serving: Serving, stack: ExitStack) -> None:
        self.firmware = arguments.firmware
        self.rfc2217 = self.web = self.pty = None
        if arguments.rfc2217 is not None:
            self.rfc2217 = _rfc2217(arguments, serving)
        if arguments.http is not None:
            self.web = stack.enter_context(_web(arguments, serving))
        if arguments.pty or arguments.link or not (self.rfc2217 or self.web):
            self.pty = PtyPort(arguments.link)
            serving.ports.append(self.pty)

    def __call__(self) -> dict[str, Any]:
        addresses = Addresses(
            serial=self.pty and self.pty.address,
            rfc2217=self.rfc2217 and self.rfc2217.address,
            http=self.web and self.web.address,
            websocket=self.web and self.web.websocket_address,
        )
        return {"firmware": self.firmware, **asdict(addresses)}


def _rfc2217(arguments: EmulateArguments, serving: Serving) -> Rfc2217Port:
    flag, board = "--rfc2217", serving.board
    listener = listen(parse_address(arguments.rfc2217 or "", flag), flag, allow_remote=arguments.allow_remote)
    port = Rfc2217Port(listener, lambda dtr, rts: board.set_lines(dtr=dtr, rts=rts))
    serving.ports.append(port)
    return port


def _web(arguments: EmulateArguments, serving: Serving) -> WebPort:
    flag = "--http"
    listener = listen(parse_address(arguments.http or "", flag), flag, allow_remote=arguments.allow_remote)
    broadcast = Broadcast() if serving.board.firmware.queued else None
    if broadcast is not None:
        serving.listeners.append(broadcast.send)
    return WebPort(listener, serving.http, broadcast)


NAMES = {"serial": "serial port", "rfc2217": "RFC 2217", "http": "web server", "websocket": "WebSocket"}


class Console:
    """Reads commands and says what came of them: to people in words, to programs in JSON, a line for a line."""

    def __init__(self, control: Control, commands: TextIO, out: TextIO, *, as_json: bool) -> None:
        self._control = control
        self._commands = commands
        self._out = out
        self._as_json = as_json

    def start(self, serving: Serving, *, end_with_input: bool) -> None:
        """Say where the arm is, and obey from now on in a thread of its own."""

        def work() -> None:
            try:
                with suppress(StoppedError, BrokenPipeError):  # who started this may be gone before it hears anything
                    self.obey("addresses")
                    for line in self._commands:
                        if line.strip():
                            self.obey(line)
            finally:
                if end_with_input:
                    serving.stop()

        threading.Thread(target=work, name="commands", daemon=True).start()

    def obey(self, line: str) -> None:
        """Do one command and print its answer."""
        try:
            answer = {"ok": True, **self._control.obey(line)}
        except StoppedError:
            raise
        except RoarmLabError as error:
            answer = {"ok": False, "error": str(error)}
        self._out.write((json.dumps(answer) if self._as_json else shown_text(in_words(answer))) + "\n")
        self._out.flush()


def in_words(answer: dict[str, Any]) -> str:
    """Return an answer as a person reads it."""
    if "error" in answer or "help" in answer:
        return str(answer.get("error", answer.get("help")))
    if "faults" in answer:
        faults = [f"{name} {value}" for name, value in answer["faults"].items()]
        return f"faults      {', '.join(faults) or 'none'}"
    if "firmware" in answer:
        return "\n".join(f"{name:<12}{answer[key]}" for key, name in NAMES.items() if answer[key])
    if "servos" in answer:
        return json.dumps(answer, indent=2)
    return "done"
