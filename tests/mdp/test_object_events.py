"""Where a box lies when an episode begins."""

from math import sqrt

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.mdp.effects import BoxPoseEffect
from roarm_lab.mdp.object_events import BoxOnTable
from tests.mdp.fake_state import bare, box_scene

ROUNDING = 1e-6
"""Float32."""


def test_a_box_lies_flat_within_its_ranges_evenly_over_the_area() -> None:
    place = BoxOnTable(radius_m=Range(0.1, 0.3), azimuth_rad=Range(-1.0, 1.0)).bind(box_scene())
    random = np.float32([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [1.0, 1.0, 0.5]])
    effect = place(random, bare(box_scale=np.ones((len(random), 1))))
    assert isinstance(effect, BoxPoseEffect)
    assert effect.box == "cube"
    pose = effect.values
    np.testing.assert_allclose(np.hypot(pose[:, 0], pose[:, 1]), [0.1, sqrt(0.05), 0.3], atol=ROUNDING)
    np.testing.assert_allclose(np.arctan2(pose[:, 1], pose[:, 0]), [0.0, -1.0, 1.0], atol=ROUNDING)
    # In the middle of its range a box faces the base: its yaw is its azimuth.
    np.testing.assert_allclose(2 * np.arctan2(pose[:, 6], pose[:, 3]), [0.0, -1.0, 1.0], atol=ROUNDING)
    np.testing.assert_allclose(pose[:, 2], 0.015)
    np.testing.assert_allclose(pose[:, 4:6], 0.0)


def test_a_radius_must_be_positive() -> None:
    with pytest.raises(BadInputError, match="radius_m must be positive"):
        BoxOnTable(radius_m=Range(0.0, 0.2))
