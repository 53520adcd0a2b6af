"""A 3D mouse: reports as bytes, what the cap and the buttons mean, and one that goes away."""

import sys

import numpy as np
import pytest

from roarm_lab.core.errors import MissingError, UnsafeCommandError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.teleop.jog import Jog
from roarm_lab.teleop.session import OperatorCommand, TeleopTurn, teleoperate
from roarm_lab.teleop.spacemouse import BUTTON_S, FULL_PUSH, SILENT_S, HidMouse, Mouse3d
from tests.gateway.perfect_arm import PerfectArm
from tests.teleop.teleop_session import PERIOD_S, START

FULL = round(FULL_PUSH)


def report(kind: int, *values: int) -> list[int]:
    return [kind, *(byte for value in values for byte in value.to_bytes(2, "little", signed=True))]


def mouse(*reports: list[int]) -> Mouse3d:
    left = list(reports)
    return Mouse3d(lambda: left.pop(0) if left else [])


@pytest.mark.parametrize(
    ("reports", "hand"),
    [
        ([report(1, 0, -FULL, 0)], (1, 0, 0, 0, 0, 0)),  # pushed away: forward
        ([report(1, FULL, 0, 0)], (0, -1, 0, 0, 0, 0)),  # to the right: -y
        ([report(1, 0, 0, -FULL)], (0, 0, 1, 0, 0, 0)),  # lifted
        ([report(1, 0, 0, 0), report(2, -FULL, 0, 0)], (0, 0, 0, 1, 0, 0)),
        ([report(1, 0, 0, 0, 0, -FULL, 0)], (0, 0, 0, 0, 1, 0)),  # a newer one: all in one report
        ([[3, 1]], (0, 0, 0, 0, 0, -1)),
        ([[3, 2]], (0, 0, 0, 0, 0, 1)),
        ([report(1, 0, 20, 0)], (0, 0, 0, 0, 0, 0)),  # not quite in the middle
        ([[23, 1, 2], [1, 5], []], (0, 0, 0, 0, 0, 0)),  # battery, and a torn one
    ],
)
def test_cap_and_buttons_move_the_hand(reports: list[list[int]], hand: tuple[float, ...]) -> None:
    np.testing.assert_array_equal(np.array(mouse(*reports).state(0.0, "ee").axes), hand)


def test_twisting_turns_the_base_in_the_mode_of_joints() -> None:
    assert mouse(report(2, 0, 0, -FULL)).state(0.0, "joint").axes[0] == 1.0


def test_the_newest_report_counts_and_stays_until_the_next() -> None:
    one = mouse(report(1, 0, -FULL, 0), report(1, 0, FULL, 0))
    assert one.state(0.0, "ee").axes[0] == -1.0
    assert one.state(0.1, "ee").axes[0] == -1.0


@pytest.mark.parametrize("pushed", [report(1, 0, -FULL, 0), report(2, -FULL, 0, 0)])
def test_a_mouse_that_falls_silent_while_it_is_pushed_no_longer_counts_and_says_so(pushed: list[int]) -> None:
    queue = [pushed]
    one = Mouse3d(lambda: queue.pop(0) if queue else [])
    first = one.state(5.0, "ee")
    assert (any(first.axes), first.trouble) == (True, "")
    for now_s in (5.0 + SILENT_S + 0.01, 65.0):
        silent = one.state(now_s, "ee")
        assert not any(silent.axes)
        assert "has not reported for 0.25 s" in silent.trouble
    queue.append(pushed)  # its radio is back; nobody has let go
    assert not any(one.state(65.1, "ee").axes)
    queue += [report(1, 0, 0, 0), report(2, 0, 0, 0)]
    assert one.state(65.2, "ee").trouble == ""
    queue.append(pushed)
    again = one.state(65.3, "ee")
    assert (any(again.axes), again.trouble) == (True, "")


def test_a_push_that_is_not_reported_again_is_not_kept_by_turns_that_are() -> None:
    queue = [report(1, 0, -FULL, 0)]
    one = Mouse3d(lambda: queue.pop(0) if queue else [])
    one.state(0.0, "ee")
    for turn in range(1, 20):
        queue.append(report(2, -FULL, 0, 0))
        state = one.state(turn * 0.05, "ee")
    assert not any(state.axes)


def test_a_cap_that_rests_is_silent_without_a_word() -> None:
    one = mouse(report(1, 0, 0, 0))
    assert [(any(state.axes), state.trouble) for state in (one.state(0.0, "ee"), one.state(60.0, "ee"))] == [
        (False, "")
    ] * 2


def test_a_button_that_stays_down_without_a_word_counts_for_a_moment_only() -> None:
    one = mouse([3, 1])
    assert [one.state(now_s, "ee").axes[5] for now_s in (0.0, BUTTON_S, BUTTON_S + 0.1)] == [-1.0, -1.0, 0.0]


def test_a_silent_mouse_stops_the_arm_and_the_person_reads_why() -> None:
    one = mouse(report(1, 0, -FULL, 0))
    seen: list[TeleopTurn] = []
    arm = PerfectArm(START)
    teleoperate(arm, Jog(ROARM_M3, one, PERIOD_S), watch=[seen.append], seconds=60.0)
    stood = [turn.sent[1] for turn in seen[round(1.0 / PERIOD_S) :]]
    assert stood[0] != START[1]
    assert stood == [stood[0]] * len(stood)
    assert "no longer counts" in seen[-1].trouble


def test_both_buttons_are_one_emergency_stop() -> None:
    queue: list[list[int]] = [[3, 1], [], [3, 3], [], [], [3, 0], [], [3, 3], []]
    one = Mouse3d(lambda: queue.pop(0))
    asked = [one.state(0.0, "ee").asked for _ in range(5)]
    assert asked == [[], [OperatorCommand.STOP], [], [], [OperatorCommand.STOP]]


def test_an_unplugged_mouse_is_gone() -> None:
    def gone() -> list[int]:
        raise OSError("read error")

    with pytest.raises(UnsafeCommandError, match=r"The 3D mouse is gone \(read error\)"):
        Mouse3d(gone).state(0.0, "ee")


class NoMice:
    """The list of a computer with a keyboard and a Logitech webcam."""

    @staticmethod
    def enumerate() -> list[dict[str, object]]:
        return [
            {"vendor_id": 0x046D, "product_string": "Webcam C270", "manufacturer_string": "Logitech"},
            {"vendor_id": 0x1234, "product_string": "Spacebar keyboard", "manufacturer_string": None},
        ]


def test_where_there_is_no_mouse_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hid", NoMice)
    with pytest.raises(MissingError, match=r"No 3D mouse was found\. Plug it in"):
        HidMouse()


@pytest.mark.parametrize("vendor", [0x256F, 0x046D])
def test_a_mouse_that_may_not_be_read_gets_the_rule_for_its_own_vendor(
    vendor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def open_path(self, path: bytes) -> None:
            raise OSError("open failed")

    class Mice:
        device = Closed

        @staticmethod
        def enumerate() -> list[dict[str, object]]:
            return [{"vendor_id": vendor, "product_string": "SpaceNavigator", "path": b"/dev/hidraw3"}]

    monkeypatch.setitem(sys.modules, "hid", Mice)
    with pytest.raises(MissingError, match=f'ATTRS{{idVendor}}=="{vendor:04x}", TAG'):
        HidMouse()


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hid", None)
    with pytest.raises(MissingError, match=r"pip install 'roarm-lab\[teleop\]'") as error:
        HidMouse()
    assert error.value.exit_code == 3
