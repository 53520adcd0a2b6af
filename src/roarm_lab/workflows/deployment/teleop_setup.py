"""What belongs to one teleoperated session: who listens, what the person has at hand; always taken apart again."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.robot import Robot
from roarm_lab.teleop.keyboard import Keyboard
from roarm_lab.teleop.session import RATE_HZ, OperatorInput, TeleopTurn, Watch
from roarm_lab.teleop.status_line import Newest
from roarm_lab.workflows.arm_session import ArmAddress
from roarm_lab.workflows.deployment.teleop_request import TeleoperateRequest
from roarm_lab.workflows.frontend import Frontend, end_if_cancelled, require_permission


class OperatorConsole(Protocol):
    """The terminal of a person who steers: keys, and a line that says how it goes."""

    def keyboard(self, *, needed: bool) -> Keyboard | None:
        """Return its keys; None where there are none and none are needed.

        Raises:
            BadInputError: There are none, but they are needed.
        """
        ...

    def begin(self, device: str) -> Watch:
        """Say what the keys are, and return what shows a turn. Called when nothing can be refused any more."""
        ...

    def end(self) -> None:
        """Leave the line."""
        ...


class NoConsole:
    """Nobody is at a terminal."""

    def keyboard(self, *, needed: bool) -> Keyboard | None:
        """Return none.

        Raises:
            BadInputError: One is needed.
        """
        if needed:
            raise BadInputError("The keyboard steers from the command line; from Python another `input_device=` does.")
        return None

    def begin(self, device: str) -> Watch:
        """Show nothing."""
        del device
        return lambda turn: None

    def end(self) -> None:
        """Leave nothing."""


@dataclass
class Setup:
    """What belongs to one session; closed with `stack`."""

    request: TeleoperateRequest
    frontend: Frontend
    console: OperatorConsole
    stack: ExitStack
    inputs: list[OperatorInput] = field(default_factory=list[OperatorInput])
    watch: list[Watch] = field(default_factory=list[Watch])
    keyboard: Keyboard | None = None

    @property
    def rate_hz(self) -> float:
        """Control cycles per second."""
        return RATE_HZ if self.request.rate is None else self.request.rate

    def require_to_move(self, address: ArmAddress) -> None:
        """Go on only if a real arm may move. A person at a terminal has asked for that; everybody else is asked.

        Raises:
            NotPermittedError: It may not.
        """
        if isinstance(self.console, NoConsole) and not address.virtual:
            text = f"The arm at {address} follows the {self.request.input_device} now. Is its way free?"
            require_permission(self.frontend, "arm-moves", text)

    def open_keyboard(self, *, needed: bool) -> Keyboard | None:
        """Return the keyboard of the terminal; None where there is none and none is needed.

        Raises:
            BadInputError: There is none, but it is needed.
        """
        self.keyboard = self.console.keyboard(needed=needed)
        return self.keyboard

    def attach(self, arm: Arm) -> None:
        """Show the session in the terminal and, if wanted, in the browser; nothing can be refused any more."""
        self.watch.append(lambda turn: end_if_cancelled(self.frontend))
        if self.request.view:
            self._add_page(arm.robot)
        show = self.console.begin(self.request.input_device)
        self.stack.callback(self.console.end)
        self._add_watch(show)

    def _add_page(self, robot: Robot) -> None:
        from roarm_lab.sim.geometry import Geometry
        from roarm_lab.view.serving import serving
        from roarm_lab.view.teleop_page import TeleopPage
        from roarm_lab.workflows.live_pages import tell_where

        request = self.request
        server = self.stack.enter_context(serving(request.host, request.port, "RoArm Lab: teleop"))
        page = TeleopPage(server, Geometry.of_robot(robot), f"{robot.title} at {request.arm}")
        tell_where(self.frontend, "teleop", request.host, server)
        self.inputs.append(page)
        self._add_watch(page.show)

    def _add_watch(self, show: Watch) -> None:
        newest = Newest[TeleopTurn](show)
        self.stack.callback(newest.close)
        self.watch.append(newest)
