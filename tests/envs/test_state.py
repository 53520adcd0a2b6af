"""The simulated moment that terms read."""

import numpy as np

from roarm_lab.envs.state import at_rest
from roarm_lab.robots.kinematics import Kinematics
from tests.toy_robot import TOY

FLOAT32 = 1e-6


def test_sites_stand_above_the_table_by_forward_kinematics() -> None:
    # Level forearm: the hand is 0.25 m out and 0.1 + 0.1 m up; base turned by 90 degrees, it is on the left.
    joint_pos = np.float32([[0.0, 0.0, 0.0], [np.pi / 2, 0.0, 0.0]])
    state = at_rest(Kinematics(TOY), joint_pos, {}, 2)
    np.testing.assert_allclose(state.site_pos_w[:, 0], [[0.25, 0.0, 0.2], [0.0, 0.25, 0.2]], atol=FLOAT32)
    assert state.site_pos_w.dtype == np.float32


def test_rest_is_no_speed_no_action_and_targets_at_the_angles() -> None:
    joint_pos = np.float32([[0.1, 0.2, 0.3]])
    state = at_rest(Kinematics(TOY), joint_pos, {"goal": np.float32([[1.0]])}, 2)
    np.testing.assert_array_equal(state.joint_target, joint_pos)
    for name, shape in (("joint_vel", (1, 3)), ("action", (1, 2)), ("last_action", (1, 2)), ("episode_time_s", (1,))):
        values = getattr(state, name)
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, np.zeros(shape))


def test_sites_are_computed_once_and_only_when_asked() -> None:
    asked = []

    class Counting(Kinematics):
        def site_poses(self, joint_pos, sites):  # noqa: ANN001, ANN202
            asked.append(sites)
            return super().site_poses(joint_pos, sites)

    state = at_rest(Counting(TOY), np.zeros((1, 3), np.float32), {}, 1)
    assert asked == []
    assert state.site_pos_w is state.site_pos_w
    assert state.site_rot_w is state.site_rot_w
    assert asked == [["hand"]]
