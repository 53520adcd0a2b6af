"""When an episode ends early."""

from math import inf, nan

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp.terminations import SiteBelow
from tests.mdp.fake_state import bare, toy_scene


def test_an_episode_ends_when_the_site_is_below_the_height() -> None:
    below = SiteBelow(site="hand", height_m=0.1).bind(toy_scene())
    got = below(bare(hand_w=[[9.0, 9.0, 0.09], [0.0, 0.0, 0.1], [0.0, 0.0, -1.0]]))
    np.testing.assert_array_equal(got, [True, False, True])


@pytest.mark.parametrize("value", [nan, inf])
def test_a_height_must_be_a_number(value: float) -> None:
    with pytest.raises(BadInputError, match=rf"SiteBelow\.height_m must be a finite number, got {value}"):
        SiteBelow(height_m=value)


def test_unknown_names_show_before_the_first_step() -> None:
    with pytest.raises(UnknownNameError, match="There is no site named 'hadn'. Did you mean 'hand'"):
        SiteBelow(site="hadn").bind(toy_scene())
