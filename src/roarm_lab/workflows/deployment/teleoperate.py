"""Steering as the command line does it: arm, device, terminal and page put together, and always taken apart."""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from roarm_lab.cli.deployment.teleop import TeleopArguments
from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.core.shown import shown
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot
from roarm_lab.teleop.hand_guiding import TorqueSwitch, torque_switch_of, watch_by_hand
from roarm_lab.teleop.jog import Device, Jog
from roarm_lab.teleop.key_map import keys_of
from roarm_lab.teleop.keyboard import Keyboard
from roarm_lab.teleop.leader_arm import Leader
from roarm_lab.teleop.session import RATE_HZ, OperatorInput, TeleopLog, TeleopTurn, Watch, teleoperate
from roarm_lab.teleop.status_line import Newest, StatusLine
from roarm_lab.teleop.terminal_keys import terminal_keys
from roarm_lab.workflows.arm_session import connected, station_for
from roarm_lab.workflows.deployment.signals import ending_gently

TAKE_HOLD_S, LOOK_S = 10.0, 0.1
"""How long motors are tried to be switched on again at the end: the newer firmware folds the arm for some seconds
before it lets go, and says nothing meanwhile."""
HINT = "C clears it, after you have looked at the arm: press it alone; space ends a pause; ? shows the keys"
LIMP = """
  CAREFUL: the motors of {which} will be switched off, and the arm will DROP.
  {warning}
"""


@dataclass
class Setup:
    """What belongs to one session; closed with `stack`."""

    arguments: TeleopArguments
    stack: ExitStack
    desks: list[OperatorInput] = field(default_factory=list[OperatorInput])
    watch: list[Watch] = field(default_factory=list[Watch])
    keyboard: Keyboard | None = None

    @property
    def rate_hz(self) -> float:
        """Control cycles per second."""
        return RATE_HZ if self.arguments.rate is None else self.arguments.rate


def steer(arguments: TeleopArguments) -> int:
    """Steer until time is up; return 1 when the arm is held at the end.

    Raises:
        BadInputError: The arm, the terminal or the bundle can not be used.
        MissingError: A device or a package is missing.
        KeyboardInterrupt: Ctrl-C. The arm is held.
    """
    try:
        with ending_gently(), ExitStack() as stack:
            setup = Setup(arguments, stack)
            if arguments.device == "policy":
                from roarm_lab.workflows.deployment.teleoperate_policy import steer_policy

                log = steer_policy(setup)
            else:
                log = _steer(setup)
    except KeyboardInterrupt:
        sys.stderr.write("\nroarm: ended by Ctrl-C; the arm is held where it is.\n")
        raise
    _say_end(log)
    return 1 if log.held else 0


def attach(setup: Setup, arm: Arm) -> None:
    """Show the session in the terminal and, if wanted, in the browser; call when nothing can be refused any more."""
    if setup.arguments.view:
        _add_page(setup, arm.robot)
    line = StatusLine(hint=HINT if setup.keyboard is not None else "")
    if setup.keyboard is not None:
        line.keys = keys_of(setup.arguments.device)
        setup.keyboard.show_keys = line.show_keys
        line.show_keys()
    setup.stack.callback(line.end)
    _add_watch(setup, line)


def open_keyboard(setup: Setup, *, needed: bool) -> Keyboard | None:
    """Return the keyboard of the terminal; None where there is no terminal and none is needed.

    Raises:
        BadInputError: There is none, but it is needed.
    """
    if needed or sys.stdin.isatty():
        setup.keyboard = Keyboard(setup.stack.enter_context(terminal_keys()))
    return setup.keyboard


def _steer(setup: Setup) -> TeleopLog:
    arguments, stack = setup.arguments, setup.stack
    device = _open_device(setup)
    station = station_for(arguments.station, arguments.arm, ROARM_M3)
    arm = stack.enter_context(connected(arguments.arm, ROARM_M3, station=station))
    if arguments.device == "hand":
        return _guide(setup, arm)
    period_s = 1.0 / setup.rate_hz
    if device is None:
        teleoperator = Leader(_open_leader(setup), arm, period_s)
    else:
        mode = arguments.mode or ("ee" if arguments.device == "mouse3d" else "joint")
        teleoperator = Jog(arm.robot, device, period_s, mode=mode, speed=arguments.speed)
    if arguments.device != "keyboard" and (keyboard := open_keyboard(setup, needed=False)) is not None:
        setup.desks.append(keyboard)
    attach(setup, arm)
    return teleoperate(
        arm,
        teleoperator,
        rate_hz=setup.rate_hz,
        desks=setup.desks,
        watch=setup.watch,
        seconds=arguments.seconds,
        end_when_held=setup.keyboard is None and arguments.device != "gamepad",
    )


def _open_device(setup: Setup) -> Device | None:
    """Return what is deflected, before any arm is touched; None for a leader and for hand guiding."""
    match setup.arguments.device:
        case "keyboard":
            return open_keyboard(setup, needed=True)
        case "gamepad":
            from roarm_lab.teleop.gamepad import Gamepad, SdlPad

            pad = SdlPad()
            setup.stack.callback(pad.close)
            return Gamepad(pad.read, pad.name)
        case "mouse3d":
            from roarm_lab.teleop.spacemouse import HidMouse, Mouse3d

            mouse = HidMouse()
            setup.stack.callback(mouse.close)
            return Mouse3d(mouse.read, mouse.name)
        case _:
            return None


def _open_leader(setup: Setup) -> Arm:
    """Return the leader, limp if it has motors that can be switched off."""
    words = setup.arguments.leader or ""
    leader = setup.stack.enter_context(connected(words, ROARM_M3))
    if words != "sim":
        _let_go(setup, leader, f"the leader ({words})")
    return leader


def _guide(setup: Setup, arm: Arm) -> TeleopLog:
    _let_go(setup, arm, f"the arm ({setup.arguments.arm})")
    attach(setup, arm)
    return watch_by_hand(arm, rate_hz=setup.rate_hz, watch=setup.watch, seconds=setup.arguments.seconds)


def _let_go(setup: Setup, arm: Arm, which: str) -> None:
    """Switch an arm's motors off, if a person agrees. At the end of the session they hold where the arm is then.

    Raises:
        MissingError: They can not be switched off.
        BadInputError: Nobody agreed.
    """
    limp = torque_switch_of(arm)
    _ask(setup.arguments, LIMP.format(which=which, warning=limp.release_warning))
    setup.stack.callback(_take_hold, limp, which)
    limp.torque(on=False, warned=True)


def _take_hold(limp: TorqueSwitch, which: str) -> None:
    """Make the motors hold, as soon as it is known where: a firmware that still folds the arm tells nothing."""
    end_s, told = time.monotonic() + TAKE_HOLD_S, False
    while True:
        try:
            return limp.torque(on=True)
        except RoarmLabError as error:
            if time.monotonic() > end_s:
                sys.stderr.write(f"roarm: {which} stays limp. {error}\n")
                return None
            if not told:
                sys.stderr.write(f"roarm: {which} is not held yet; trying for {TAKE_HOLD_S:g} s. {error}\n")
            told = True
        time.sleep(LOOK_S)


def _ask(arguments: TeleopArguments, warning: str) -> None:
    """Say loudly what will happen, and go on only if a person agrees.

    Raises:
        BadInputError: Nobody agreed.
    """
    sys.stderr.write(warning)
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise BadInputError("Nobody is at the terminal to agree that motors are switched off. Give --yes if you do.")
    sys.stderr.write("  Type yes to switch them off: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise BadInputError("The motors stay on, because the answer was not yes.")


def _add_page(setup: Setup, robot: Robot) -> None:
    from roarm_lab.cli.console import Terminal
    from roarm_lab.sim.geometry import Geometry
    from roarm_lab.view.serving import serving
    from roarm_lab.view.teleop_page import TeleopPage
    from roarm_lab.workflows.live_pages import tell_where

    arguments = setup.arguments
    server = setup.stack.enter_context(serving(arguments.host, arguments.port, "RoArm Lab: teleop"))
    page = TeleopPage(server, Geometry.of_robot(robot), f"{robot.title}, `--arm {arguments.arm}`")
    tell_where(Terminal(), "teleop", arguments.host, server)
    setup.desks.append(page)
    _add_watch(setup, page.show)


def _add_watch(setup: Setup, show: Watch) -> None:
    newest = Newest[TeleopTurn](show)
    setup.stack.callback(newest.close)
    setup.watch.append(newest)


def _say_end(log: TeleopLog) -> None:
    sys.stdout.write(
        f"turns       {log.turns}, in {log.sent} of them a target was sent; {log.missed} missed, latest by "
        f"{log.worst_late_s * 1e3:.1f} ms\n"
    )
    if log.held:
        sys.stdout.write(f"held        {shown(log.held)}\n")
