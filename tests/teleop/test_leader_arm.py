"""A leader arm: brought together slowly, mirrored at full rate, and never followed into nonsense."""

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.gateway.loop import SLOW_RAD_S
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.teleop.approach import ARM_THERE_RAD
from roarm_lab.teleop.leader_arm import Leader
from roarm_lab.teleop.session import OperatorCommand, TeleopTurn, teleoperate
from tests.gateway.perfect_arm import PerfectArm
from tests.teleop.teleop_session import PERIOD_S, START

HOME = np.array(ROARM_M3.keyframe("home"))
NEVER_READ = np.array([np.pi, -np.pi, -np.pi / 2, -np.pi, np.pi, np.pi])  # what servos without power read as
FOLLOWS_RAD = 0.12  # at 0.5 rad/s: two periods (0.05), braking, droop and the friction of both arms
ROUNDING = 1e-9


def pair(leader_pose: object = START, **options: object) -> tuple[PerfectArm, PerfectArm]:
    clock = SimulatedClock(start_s=100.0)
    return PerfectArm(leader_pose, clock=clock, **options), PerfectArm(HOME, clock=clock)  # pyright: ignore[reportArgumentType]


def follow(leader: PerfectArm, follower: PerfectArm, seconds: float, **options: object) -> list[TeleopTurn]:
    seen: list[TeleopTurn] = []
    watch = [seen.append, *options.pop("watch", [])]  # pyright: ignore[reportGeneralTypeIssues]
    teleoperate(follower, Leader(leader, follower, PERIOD_S), watch=watch, seconds=seconds, **options)  # pyright: ignore[reportArgumentType]
    return seen


def test_the_follower_comes_to_the_leader_slowly_and_then_mirrors() -> None:
    leader, follower = pair()
    seen = follow(leader, follower, 4.0)
    steps = np.abs(np.diff([turn.sent for turn in seen], axis=0))
    assert steps.max() <= SLOW_RAD_S * PERIOD_S + ROUNDING
    np.testing.assert_allclose(follower.sent, START, atol=ROUNDING)
    assert [seen[0].note, seen[-1].note] == ["comes slowly", "mirrors"]
    together = next(turn.number for turn in seen if turn.note == "mirrors")
    assert together * PERIOD_S >= np.max(np.abs(START - HOME)) / SLOW_RAD_S - PERIOD_S  # 1.37 rad at 0.6 rad/s


def test_a_moving_leader_is_mirrored_at_full_rate() -> None:
    leader, follower = pair(HOME)
    follow(leader, follower, 0.5)
    before = leader.pose.copy()

    def by_hand(turn: TeleopTurn) -> None:
        leader.pose = before + np.array([1.5, 0, 0, 0, 0, 0]) * turn.number * PERIOD_S

    seen = follow(leader, follower, 1.0, watch=[by_hand])
    gaps = [turn.requested[0] - turn.sent[0] for turn in seen[10:] if turn.requested is not None]
    assert np.max(np.abs(gaps)) < 1.5 * 2 * PERIOD_S  # no slower than the hand, two periods behind it


def test_two_simulated_arms_one_moved_as_if_by_hand() -> None:
    clock = SimulatedClock()
    with SimArm(ROARM_M3, clock=clock) as leader, SimArm(ROARM_M3, clock=clock, start_joint_pos=START) as follower:
        gaps: list[float] = []

        def by_hand(turn: TeleopTurn) -> None:
            requested = HOME + 0.5 * np.sin(turn.number * PERIOD_S) * np.array([1, 0.3, -0.5, 0.5, 1, 0])
            leader.send(requested, PERIOD_S)
            if turn.note == "mirrors":
                gaps.append(float(np.max(np.abs(turn.sample.joint_pos - leader.read().joint_pos))))

        log = teleoperate(follower, Leader(leader, follower, PERIOD_S), watch=[by_hand], seconds=12.0)
        assert log.held is None
        assert len(gaps) > 100
        assert max(gaps[5:]) < FOLLOWS_RAD


def test_a_leader_that_can_not_be_read_is_refused_before_anything_moves() -> None:
    leader, follower = pair()
    leader.fault = lambda time_s: ArmSample.failed(time_s, "no answer on the bus")
    with pytest.raises(UnsafeCommandError, match=r"The leader is not followed\. .*no answer on the bus"):
        Leader(leader, follower, PERIOD_S)


def test_a_leader_without_power_is_refused_before_anything_moves() -> None:
    leader, follower = pair()
    leader.pose = NEVER_READ
    with pytest.raises(UnsafeCommandError, match=r"not followed\. Joint 'shoulder' is at -3\.142 rad, more than"):
        Leader(leader, follower, PERIOD_S)
    assert follower.targets == []


def test_a_pose_a_little_outside_is_followed_up_to_the_limit() -> None:
    leader, follower = pair()
    leader.pose = START + np.array([0, 0, 0, 0.3, 0, 0])  # wrist 1.67, range to 1.57
    follow(leader, follower, 5.0)
    assert follower.sent[3] == ROARM_M3.joints[3].upper_rad


@pytest.mark.parametrize(
    ("pose", "reason"),
    [
        (NEVER_READ, "more than"),
        (START + np.array([2.0, 0, 0, 0, 0, 0]), "'base' leapt by 2.00 rad between two readings"),
        (None, "the cable was pulled"),
    ],
)
def test_a_leader_that_goes_mad_or_away_holds_the_arm(pose: np.ndarray | None, reason: str) -> None:
    leader, follower = pair(HOME)
    follow(leader, follower, 0.5)

    def breaks(turn: TeleopTurn) -> None:
        if turn.number == 5 and pose is None:
            leader.fault = lambda time_s: ArmSample.failed(time_s, "the cable was pulled")
        elif turn.number == 5 and pose is not None:
            leader.pose = pose

    seen = follow(leader, follower, 1.0, watch=[breaks])
    assert [turn.latched is None for turn in seen] == [True] * 6 + [False] * 14
    assert reason in str(seen[-1].latched)
    np.testing.assert_array_equal(seen[-1].sent, HOME)


def test_after_a_hold_both_come_together_slowly_again() -> None:
    class Buttons:
        def __init__(self) -> None:
            self.turn = -1

        def orders(self, now_s: float) -> list[OperatorCommand]:
            self.turn += 1
            return [OperatorCommand.PAUSE] if self.turn in {5, 10} else []

    leader, follower = pair(HOME)

    def far_away(turn: TeleopTurn) -> None:
        if turn.number == 7:
            leader.pose = HOME + np.array([1.0, 0, 0, 0, 0, 0])

    seen = follow(leader, follower, 3.0, watch=[far_away], desks=[Buttons()])
    steps = np.abs(np.diff([turn.sent for turn in seen], axis=0))
    assert steps.max() <= SLOW_RAD_S * PERIOD_S + ROUNDING
    assert seen[-1].note == "mirrors"


def test_a_blocked_follower_is_not_called_together() -> None:
    clock = SimulatedClock(start_s=100.0)
    leader = PerfectArm(HOME + 0.3 * np.eye(6)[0], clock=clock)
    follower = PerfectArm(HOME, clock=clock, stuck=("base",))
    assert ARM_THERE_RAD < 0.3
    seen = follow(leader, follower, 6.0)
    assert "The arm did not arrive: joint 'base' is 0.300 rad from where it should be" in str(seen[-1].latched)
    assert {turn.note for turn in seen} == {"comes slowly"}
