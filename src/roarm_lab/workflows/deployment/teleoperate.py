"""Move an arm by hand: device, arm and person put together, and always taken apart."""

import time
from contextlib import ExitStack

from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.table import get_robot
from roarm_lab.teleop.hand_guiding import TorqueSwitch, torque_switch_of, watch_by_hand
from roarm_lab.teleop.jog import Device, Jog
from roarm_lab.teleop.leader_arm import Leader
from roarm_lab.teleop.session import TeleopLog
from roarm_lab.teleop.session import teleoperate as run_session
from roarm_lab.workflows.arm_session import ArmAddress, ArmRequest, open_arm, station_for
from roarm_lab.workflows.deployment.signals import ending_gently
from roarm_lab.workflows.deployment.teleop_request import TeleoperateRequest
from roarm_lab.workflows.deployment.teleop_setup import NoConsole, OperatorConsole, Setup
from roarm_lab.workflows.deployment.teleoperate_policy import steer_policy
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Notice, permitted

TAKE_HOLD_S, LOOK_S = 10.0, 0.1
"""How long motors are tried to be switched on again at the end: the newer firmware folds the arm for some seconds
before it lets go, and says nothing meanwhile."""


def teleoperate(
    request: TeleoperateRequest, frontend: Frontend = UNATTENDED, *, console: OperatorConsole | None = None
) -> TeleopLog:
    """Steer until time is up or the front end cancels; return how it went.

    Args:
        request: What steers, and which arm.
        frontend: Hears where the page is; is asked before motors are switched off.
        console: Keys and status line of a terminal. Without one the front end is also asked before a real arm moves.

    Raises:
        BadInputError: The arm, the terminal or the bundle can not be used, or motors may not be switched off.
        CancelledError: The front end cancelled. The arm is held.
        KeyboardInterrupt: Ctrl-C; likewise.
        MissingError: A device or a package is missing.
        NotPermittedError: A real arm may not move.
    """
    request.validate()
    try:
        with ending_gently(frontend), ExitStack() as stack:
            setup = Setup(request, frontend, console or NoConsole(), stack)
            if request.input_device == "policy":
                return steer_policy(setup)
            return _steer(setup, get_robot(request.robot))
    except KeyboardInterrupt:
        how = "cancelled" if frontend.cancelled() else "ended by Ctrl-C"
        frontend.tell(Notice(code="stopped", text=f"{how}; the arm is held where it is."))
        raise


def _steer(setup: Setup, robot: Robot) -> TeleopLog:
    request, stack = setup.request, setup.stack
    device = _open_device(setup)
    address = ArmAddress.parse(request.arm)
    station = station_for(request.station, address, robot)
    if request.input_device != "hand":  # a limp arm is moved by the person; that it drops is asked below
        setup.require_to_move(address)
    arm = stack.enter_context(open_arm(ArmRequest(address=address, robot=robot, station=station))).arm
    if request.input_device == "hand":
        return _guide(setup, arm)
    period_s = 1.0 / setup.rate_hz
    if device is None:
        teleoperator = Leader(_open_leader(setup, robot), arm, period_s)
    else:
        mode = request.mode or ("ee" if request.input_device == "mouse3d" else "joint")
        teleoperator = Jog(arm.robot, device, period_s, mode=mode, speed=request.speed)
    if request.input_device != "keyboard" and (keyboard := setup.open_keyboard(needed=False)) is not None:
        setup.inputs.append(keyboard)
    setup.attach(arm)
    return run_session(
        arm,
        teleoperator,
        rate_hz=setup.rate_hz,
        desks=setup.inputs,
        watch=setup.watch,
        seconds=request.seconds,
        end_when_held=setup.keyboard is None and request.input_device != "gamepad",
    )


def _open_device(setup: Setup) -> Device | None:
    """Return what is deflected, before any arm is touched; None for a leader and for hand guiding."""
    match setup.request.input_device:
        case "keyboard":
            return setup.open_keyboard(needed=True)
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


def _open_leader(setup: Setup, robot: Robot) -> Arm:
    """Return the leader, limp if it has motors that can be switched off."""
    address = ArmAddress.parse(setup.request.leader or "")
    leader = setup.stack.enter_context(open_arm(ArmRequest(address=address, robot=robot))).arm
    if address.kind != "sim":
        _let_go(setup, leader, f"the leader ({address})")
    return leader


def _guide(setup: Setup, arm: Arm) -> TeleopLog:
    _let_go(setup, arm, f"the arm ({setup.request.arm})")
    setup.attach(arm)
    return watch_by_hand(arm, rate_hz=setup.rate_hz, watch=setup.watch, seconds=setup.request.seconds)


def _let_go(setup: Setup, arm: Arm, which: str) -> None:
    """Switch an arm's motors off, if a person agrees. At the end of the session they hold where the arm is then.

    Raises:
        MissingError: They can not be switched off.
        BadInputError: Nobody agreed.
    """
    switch = torque_switch_of(arm)
    careful = f"CAREFUL: the motors of {which} will be switched off, and the arm will DROP. {switch.release_warning}"
    setup.frontend.tell(Notice(code="careful", text=careful, level="warning"))
    if not permitted(setup.frontend, "arm-lets-go", f"The arm drops: switch off the motors of {which}?"):
        raise BadInputError("The motors stay on, because the answer was not yes.")
    setup.stack.callback(_take_hold, switch, which, setup.frontend)
    switch.torque(on=False, warned=True)


def _take_hold(switch: TorqueSwitch, which: str, frontend: Frontend) -> None:
    """Make the motors hold, as soon as it is known where: a firmware that still folds the arm tells nothing."""
    end_s, told = time.monotonic() + TAKE_HOLD_S, False
    while True:
        try:
            return switch.torque(on=True)
        except RoarmLabError as error:
            if time.monotonic() > end_s:
                frontend.tell(Notice(code="limp", text=f"{which} stays limp. {error}", level="warning"))
                return None
            if not told:
                text = f"{which} is not held yet; trying for {TAKE_HOLD_S:g} s. {error}"
                frontend.tell(Notice(code="limp", text=text, level="warning"))
            told = True
        time.sleep(LOOK_S)
