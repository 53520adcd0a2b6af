"""Planted faults of a policy are recognised, in made-up and simulated episodes; policies that work give no finding."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.core.arrays import Float32
from roarm_lab.evaluation.explain import explain
from roarm_lab.evaluation.policy_faults import flings, hovers, never_near, presses, share_at_bound
from roarm_lab.evaluation.traces import Trace, trace
from roarm_lab.tasks.reach import reach
from tests.evaluation.scripted import FLING, HOVER, LIFT, PRESS, Part, Scripted, easy

EPISODES, STEPS, DT_S = 20, 60, 0.05
MOMENTS = STEPS + 1
TIME = np.linspace(0.0, 1.0, MOMENTS, dtype=np.float32)
REST_W = np.array([0.25, 0.0, 0.015], np.float32)


def made(**parts: object) -> Trace:
    """Return made-up episodes: the hand goes to the cube, closes, and carries it to the goal; `parts` replace some."""
    approach = np.maximum(0.3 - TIME, 0.005)
    box_w = np.tile(REST_W, (EPISODES, MOMENTS, 1))
    box_w[:, :, 2] += np.clip(TIME - 0.5, 0.0, 0.2)
    healthy: dict[str, object] = {
        "control_dt_s": DT_S,
        "success": np.ones(EPISODES, bool),
        "action": np.full((EPISODES, STEPS, 6), 0.5, np.float32),
        "distance_m": np.tile(0.205 - np.clip(TIME - 0.5, 0.0, 0.2), (EPISODES, 1)),
        "within_m": 0.025,
        "hand_speed_m_s": np.tile(np.where(TIME[1:] < 0.7, 0.2, 0.0), (EPISODES, 1)),
        "gripper_open": np.tile(np.where(TIME < 0.4, 0.6, 0.1), (EPISODES, 1)),
        "box_pos_w": box_w,
        "hand_to_box_m": np.tile(approach, (EPISODES, 1)),
        "touching": np.tile(TIME > 0.4, (EPISODES, 1)),
    }
    return Trace(**(healthy | parts))  # pyright: ignore[reportArgumentType]


def failed(count: int = EPISODES) -> np.ndarray:
    """Return the successes [episode] when the first `count` fail."""
    return np.arange(EPISODES) >= count


LYING = np.tile(REST_W, (EPISODES, MOMENTS, 1))
FAR_M = np.full((EPISODES, MOMENTS), 0.2, np.float32)
NEVER_LIFTED = {"box_pos_w": LYING, "distance_m": FAR_M, "success": failed()}
OPEN = np.full((EPISODES, MOMENTS), 0.6, np.float32)


def names(seen: Trace) -> list[str]:
    return [finding.name for finding in explain({}, seen)]


def test_a_policy_that_works_gives_no_finding() -> None:
    assert explain({}, made()) == []


@pytest.mark.parametrize("failures", [1, 5, 12])
def test_failures_of_no_known_kind_give_no_finding(failures: int) -> None:
    assert explain({}, made(success=failed(failures))) == []


def test_the_only_failure_of_a_policy_that_works_proves_nothing() -> None:
    seen = made(gripper_open=OPEN, box_pos_w=LYING, success=failed(1))
    assert hovers(seen) == []
    assert names(replace(seen, success=failed(2))) == ["hovers and never closes"]


def test_a_behaviour_of_few_of_the_failed_episodes_is_not_named() -> None:
    gripper = np.where(np.arange(EPISODES)[:, None] < 5, OPEN, made().gripper_open)
    assert hovers(made(**NEVER_LIFTED, gripper_open=gripper)) == []  # a quarter
    gripper = np.where(np.arange(EPISODES)[:, None] < 6, OPEN, made().gripper_open)
    assert hovers(made(**NEVER_LIFTED, gripper_open=gripper))[0].evidence == (
        "In 30% of the failed episodes the hand stays within 6 cm of the box, the gripper is never told to close by "
        "20% of its range, and the box stays on the table."
    )


def test_hovering_is_named_and_that_success_is_far_is_no_news_then() -> None:
    found = explain({}, made(**NEVER_LIFTED, gripper_open=OPEN))
    assert [finding.name for finding in found] == ["hovers and never closes"]
    assert "the weight of SiteNearBox" in found[0].advice


def test_a_hand_that_opens_on_the_way_and_never_closes_hovers() -> None:
    gripper = np.tile(np.where(TIME < 0.2, 0.05, 0.6), (EPISODES, 1))
    assert len(hovers(made(**NEVER_LIFTED, gripper_open=gripper))) == 1


@pytest.mark.parametrize(
    "parts",
    [
        {"hand_to_box_m": np.full((EPISODES, MOMENTS), 0.07)},
        {"box_pos_w": made().box_pos_w},
        {"gripper_open": np.full((EPISODES, MOMENTS), 0.1)},
        {"gripper_open": made().gripper_open},
    ],
    ids=["far away", "lifted", "closed all along", "closes"],
)
def test_what_only_looks_like_hovering_is_not(parts: Mapping[str, object]) -> None:
    assert hovers(made(**(NEVER_LIFTED | {"gripper_open": OPEN} | parts))) == []


def test_pressing_is_named() -> None:
    found = explain({}, made(**NEVER_LIFTED))
    assert [finding.name for finding in found] == ["pushes down and waits"]
    assert found[0].evidence == (
        "In 100% of the failed episodes the closed hand ends at the box, touches it and moves slower than 3 cm/s, and "
        "the box never rises by 1 cm."
    )
    assert "lifting is never tried" in found[0].advice


def test_a_hand_that_was_closed_all_along_can_press() -> None:
    assert len(presses(made(**NEVER_LIFTED, gripper_open=np.zeros((EPISODES, MOMENTS))))) == 1


@pytest.mark.parametrize(
    "parts",
    [
        {"touching": np.zeros((EPISODES, MOMENTS), bool)},
        {"hand_speed_m_s": np.full((EPISODES, STEPS), 0.05)},
        {"gripper_open": OPEN},
        {"box_pos_w": made().box_pos_w},
    ],
    ids=["beside it", "still trying", "open", "lifted"],
)
def test_what_only_looks_like_pressing_is_not(parts: Mapping[str, object]) -> None:
    assert presses(made(**(NEVER_LIFTED | parts))) == []


def thrown(speed_w_m_s: tuple[float, float, float]) -> np.ndarray:
    """Return boxes [episode, moment, 3] that leave the hand in the middle of the episode and fly for half a second."""
    flown_s = np.clip(np.arange(MOMENTS) - 30, 0, 10) * DT_S
    return LYING + np.array([0.0, 0.0, 0.3]) + flown_s[None, :, None] * np.array(speed_w_m_s)


AWAY = np.tile(np.where(TIME <= 0.5, 0.01, 0.3), (EPISODES, 1))


@pytest.mark.parametrize("speed", [(0.9, 0.0, 0.0), (0.5, -0.75, -2.0), (0.0, 0.0, 0.9)])
def test_flinging_is_named(speed: tuple[float, float, float]) -> None:
    found = explain({}, made(box_pos_w=thrown(speed), hand_to_box_m=AWAY, distance_m=FAR_M, success=failed()))
    assert [finding.name for finding in found] == ["flings the box"]
    assert found[0].evidence == (
        "In 100% of the failed episodes the box flies or slides faster than 0.4 m/s with the hand more than 6 cm away; "
        "the fastest at 0.9 m/s."
    )
    assert "ActionRate and JointSpeed" in found[0].advice


def test_a_box_that_falls_or_is_carried_fast_is_not_flung() -> None:
    assert flings(made(box_pos_w=thrown((0.1, 0.0, -2.0)), hand_to_box_m=AWAY, success=failed())) == []
    carried = made(box_pos_w=thrown((1.2, 0.0, 0.0)), success=failed())
    assert flings(carried) == []


def test_success_that_is_never_near_is_named() -> None:
    found = explain({}, made(**(NEVER_LIFTED | {"hand_to_box_m": FAR_M})))
    assert [finding.name for finding in found] == ["success never near"]
    assert found[0].evidence == (
        "The nearest of 20 episodes comes within 20.0 cm, half of them not within 20.0 cm; success needs 2.5 cm."
    )
    assert "Widen the shaping terms" in found[0].advice


def test_a_tenth_of_the_episodes_may_be_near_by_luck() -> None:
    near = np.where(np.arange(EPISODES)[:, None] < 2, np.float32(0.03), FAR_M)
    assert len(never_near(made(success=failed(), distance_m=near))) == 1
    near = np.where(np.arange(EPISODES)[:, None] < 3, np.float32(0.03), FAR_M)
    assert never_near(made(success=failed(), distance_m=near)) == []
    assert len(never_near(made(success=failed(EPISODES - 1), distance_m=FAR_M))) == 1  # one lucky episode
    assert never_near(made(success=failed(EPISODES - 3), distance_m=FAR_M)) == []
    assert never_near(made(success=failed(), distance_m=FAR_M, within_m=None)) == []


def test_a_policy_that_knows_only_extremes_is_saturated() -> None:
    extreme = np.where(np.arange(6) < 3, -1.0, 0.2) * np.ones((EPISODES, STEPS, 1))
    assert share_at_bound(made(action=extreme)) == 0.5
    assert names(made(action=extreme)) == ["saturated actions"]


def test_without_a_box_nothing_is_said_about_boxes() -> None:
    bare = made(**NEVER_LIFTED, gripper_open=OPEN)
    bare = replace(bare, box_pos_w=None, hand_to_box_m=None, touching=None)
    assert names(bare) == ["success never near"]


@pytest.mark.parametrize(
    ("parts", "name"),
    [(HOVER, "hovers and never closes"), (PRESS, "pushes down and waits"), (FLING, "flings the box")],
    ids=["hover", "press", "fling"],
)
def test_what_a_script_does_to_a_simulated_cube_is_recognised(parts: tuple[Part, ...], name: str) -> None:
    assert names(trace(Scripted(parts), easy(), episodes=16, seed=1)) == [name]


def test_a_script_that_lifts_gives_no_finding_though_it_often_fails() -> None:
    seen = trace(Scripted(LIFT), easy(), episodes=16, seed=1)
    assert 0.2 < seen.success.mean() < 0.9
    assert explain({}, seen) == []


def test_an_arm_that_never_moves_is_never_near() -> None:
    def still(terms: Mapping[str, Float32]) -> Float32:
        return np.zeros((len(terms["joint_pos"]), 1, 6), np.float32)

    assert names(trace(still, reach(), episodes=64, seed=0)) == ["success never near"]
