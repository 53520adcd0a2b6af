"""An arm moved by hand: what is put together, what is asked first, and that it is always taken apart."""

import itertools
import math
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, InvalidValueError, MissingError, UnsafeCommandError
from roarm_lab.sim.arm import SimArm
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.workflows import arm_session
from roarm_lab.workflows.arm_session import ArmRequest, ArmSession
from roarm_lab.workflows.deployment import teleoperate as workflow
from roarm_lab.workflows.deployment.teleop_request import TeleoperateRequest
from roarm_lab.workflows.deployment.teleoperate import teleoperate
from roarm_lab.workflows.frontend import CancelledError, Notice, NotPermittedError, Served
from tests.bundles import still_bundle, wild_bundle
from tests.frontends import Heard

REAL = "serial:/nowhere/tty"
"""A real arm that is not there."""
LED = TeleoperateRequest(input_device="leader", leader="sim", seconds=0.3)
"""6 turns at 20 Hz."""
BY_HAND = TeleoperateRequest(input_device="hand", seconds=0.3)


@pytest.fixture(autouse=True)
def simulated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm_session, "MonotonicClock", SimulatedClock)


class LimpArm(SimArm):
    """A simulated arm whose motors can be switched off."""

    release_warning = "It drops."

    def torque(self, *, on: bool, warned: bool = False) -> None:
        assert on or warned
        switched.append(on)


switched = list[bool]()
held = list[str | None]()


@pytest.fixture
def limp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every simulated arm is such a one."""
    switched.clear()
    monkeypatch.setattr("roarm_lab.sim.arm.SimArm", LimpArm)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every simulated arm tells at its end why it is held."""

    class Seen(SimArm):
        def _disconnect(self) -> None:
            held.append(self.latched)
            super()._disconnect()

    held.clear()
    monkeypatch.setattr("roarm_lab.sim.arm.SimArm", Seen)


class Impatient(Heard):
    """Cancels when it has been asked so often whether it wants the end."""

    def __init__(self, after: int, **answers: str) -> None:
        super().__init__({name.replace("_", "-"): answer for name, answer in answers.items()})
        self._left = after

    def cancelled(self) -> bool:
        self._left -= 1
        return self._left < 0


# Who steers.


def test_a_leader_steers_until_time_is_up() -> None:
    heard = Heard()
    log = teleoperate(LED, heard)
    assert (log.turns, log.sent, log.missed, log.held) == (6, 6, 0, None)
    assert heard.questions == []  # neither arm is real, and the leader has no motors to switch off


def test_a_policy_drives_alone_where_nobody_is_at_a_terminal(folder: Path) -> None:
    wild_bundle(folder / "bundle")
    log = teleoperate(TeleoperateRequest(input_device="policy", bundle=Path("bundle"), seconds=0.3))
    assert (log.turns, log.sent, log.held) == (6, 6, None)


def test_the_stations_stop_file_ends_a_session_without_a_person_who_could_clear_it(folder: Path) -> None:
    (folder / "station.yaml").write_text(f"robot: roarm_m3\nstop_file: {folder / 'stop'}\n")
    (folder / "stop").touch()
    request = TeleoperateRequest(input_device="leader", leader="sim", station=Path("station.yaml"), seconds=60.0)
    log = teleoperate(request)
    assert "the stop file" in str(log.held)
    assert (log.turns, log.sent) == (1, 0)


def test_the_page_is_told_before_anything_moves() -> None:
    pytest.importorskip("viser")
    heard = Heard(cancel=lambda event: isinstance(event, Served))
    with pytest.raises(CancelledError):
        teleoperate(TeleoperateRequest(input_device="leader", leader="sim", view=True, port=0), heard)
    (page,) = (event for event in heard.events if isinstance(event, Served))
    assert page.url.startswith("http://127.0.0.1:")


# What may be done.


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("device", ["leader", "policy"])
def test_a_real_arm_moves_only_if_a_person_at_a_terminal_or_the_front_end_permits_it(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    still_bundle(Path("bundle"))
    given: dict[str, Any] = {"leader": "sim"} if device == "leader" else {"bundle": Path("bundle")}
    request = TeleoperateRequest(input_device=device, arm=REAL, **given)  # pyright: ignore[reportArgumentType]
    with pytest.raises(NotPermittedError, match=rf"The arm at {REAL} follows the {device} now.*Nothing was done\.$"):
        teleoperate(request)
    heard = Heard({"arm-moves": "yes"})
    with pytest.raises(MissingError, match="There is no port"):
        teleoperate(request, heard)
    assert [question.code for question in heard.questions] == ["arm-moves"]


@pytest.mark.usefixtures("limp")
@pytest.mark.parametrize("answers", [{}, {"arm-moves": "yes"}])
def test_motors_stay_on_unless_a_person_permits_that_the_arm_drops(answers: dict[str, str]) -> None:
    heard = Heard(answers)
    with pytest.raises(BadInputError, match="The motors stay on"):
        teleoperate(BY_HAND, heard)
    (question,) = heard.questions
    assert question.code == "arm-lets-go"
    assert "The arm drops: switch off the motors of the arm (sim)?" in question.text
    assert switched == []


@pytest.mark.usefixtures("limp")
def test_a_limp_arm_is_watched_and_holds_afterwards() -> None:
    heard = Heard({"arm-lets-go": "yes"})
    log = teleoperate(BY_HAND, heard)
    assert (log.turns, log.sent, log.held) == (6, 0, None)
    assert switched == [False, True]
    (told,) = (event for event in heard.events if isinstance(event, Notice))
    assert (told.code, told.level) == ("careful", "warning")
    assert told.text.startswith("CAREFUL: the motors of the arm (sim) will be switched off, and the arm will DROP.")
    assert told.text.endswith("It drops.")


@pytest.mark.usefixtures("limp")
def test_a_limp_arm_holds_also_when_the_session_is_cancelled() -> None:
    heard = Impatient(3, arm_lets_go="yes")
    with pytest.raises(CancelledError):
        teleoperate(TeleoperateRequest(input_device="hand"), heard)
    assert switched == [False, True]


def test_motors_that_do_not_take_hold_at_once_are_tried_again_and_it_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = itertools.count()

    class Folding(LimpArm):
        def torque(self, *, on: bool, warned: bool = False) -> None:
            if on and next(tries) < 3:
                raise UnsafeCommandError("It still folds.")
            super().torque(on=on, warned=warned)

    switched.clear()
    monkeypatch.setattr("roarm_lab.sim.arm.SimArm", Folding)
    monkeypatch.setattr(workflow, "LOOK_S", 0.0)
    heard = Heard({"arm-lets-go": "yes"})
    teleoperate(BY_HAND, heard)
    assert switched == [False, True]
    told = [event.text for event in heard.events if isinstance(event, Notice) and event.code == "limp"]
    assert told == ["the arm (sim) is not held yet; trying for 10 s. It still folds."]


# A front end that wants it to end.


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("after", [0, 5])
def test_cancelling_holds_the_arm(after: int) -> None:
    heard = Impatient(after)
    with pytest.raises(CancelledError):
        teleoperate(TeleoperateRequest(input_device="leader", leader="sim"), heard)
    assert held == [None, "cancelled"]  # the leader, then the arm that follows it
    (told,) = (event for event in heard.events if isinstance(event, Notice))
    assert told.text == "cancelled; the arm is held where it is."


@pytest.mark.usefixtures("seen")
def test_ctrl_c_holds_the_arm_and_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(clock: SimulatedClock, time_s: float) -> None:
        del clock, time_s
        raise KeyboardInterrupt

    heard = Heard()
    monkeypatch.setattr(SimulatedClock, "sleep_until_s", pressed)
    with pytest.raises(KeyboardInterrupt):
        teleoperate(LED, heard)
    assert held == [None, "KeyboardInterrupt"]
    (told,) = (event for event in heard.events if isinstance(event, Notice))
    assert told.text == "ended by Ctrl-C; the arm is held where it is."


# What is refused.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_device": "leader"}, "`input_device='leader'` needs `leader=`"),
        ({"leader": "sim"}, "`leader=` is not used without `input_device='leader'`"),
        ({"input_device": "policy"}, "`input_device='policy'` needs `bundle=`"),
        ({"bundle": Path("b")}, "`bundle=` is not used without `input_device='policy'`"),
        ({"input_device": "leader", "leader": REAL, "arm": REAL}, "they must be two arms"),
        ({"goal": (0.2, 0.0, 0.2)}, "`goal=` is not used without `input_device='policy'`"),
        ({"rate": 1000.0}, "The rate must be 5 to 100 Hz, got 1000"),
        ({"rate": float("nan")}, "The rate must be 5 to 100 Hz, got nan"),
        ({}, "The keyboard steers from the command line"),
        ({"input_device": "leader", "leader": "simm"}, "There is no kind of arm named 'simm'"),
        ({"input_device": "leader", "leader": "sim", "arm": "sim:3"}, "An arm of kind 'sim' has no place"),
        ({"input_device": "leader", "leader": "sim", "robot": "roarm_m2"}, "There is no robot named 'roarm_m2'"),
        ({"input_device": "policy", "bundle": Path("nothing")}, "There is no policy bundle at nothing"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        teleoperate(TeleoperateRequest(**changes))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("speed", 0.0),
        ("speed", 1.1),
        ("speed", math.nan),
        ("seconds", -1.0),
        ("seconds", math.inf),
        ("seed", -1),
    ],
)
def test_a_number_that_makes_no_sense_is_named(field: str, value: float) -> None:
    with pytest.raises(InvalidValueError) as refused:
        TeleoperateRequest(**{field: value}).validate()  # pyright: ignore[reportArgumentType]
    assert refused.value.field == field


def test_hand_guiding_needs_motors_that_can_be_switched_off() -> None:
    heard = Heard({"arm-lets-go": "yes"})
    with pytest.raises(MissingError, match=r"The motors of this arm \(SimArm\) can not be switched off"):
        teleoperate(BY_HAND, heard)
    assert heard.questions == []


def test_another_rate_than_the_policys_is_refused(folder: Path) -> None:
    still_bundle(folder / "bundle")
    request = TeleoperateRequest(input_device="policy", bundle=Path("bundle"), rate=30.0)
    with pytest.raises(BadInputError, match="This policy was trained at 20 Hz"):
        teleoperate(request)


def test_a_policy_that_must_see_boxes_is_refused_before_the_arm_is_looked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def never(request: ArmRequest) -> Generator[ArmSession]:
        raise AssertionError(f"{request.address} was opened")
        yield

    still_bundle(folder / "lift", lift_cube())
    monkeypatch.setattr("roarm_lab.workflows.deployment.teleoperate_policy.open_arm", never)
    for arm, where in ((REAL, "on a real arm nothing tells that"), ("emulator", "the emulator has no table here")):
        with pytest.raises(BadInputError, match=f"'lift-cube' needs to know where the cube is, and {where}"):
            teleoperate(
                TeleoperateRequest(input_device="policy", bundle=Path("lift"), arm=arm), Heard({"arm-moves": "yes"})
            )
