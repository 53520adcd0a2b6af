"""Names become indices, and a name that nothing has gets the closest one."""

import pytest

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.mdp.scene import Scene
from tests.toy_robot import TOY

SCENE = Scene(robot=TOY, control_dt_s=0.05, boxes=("cube", "bowl"), command_sizes=(("goal", 3), ("grip", 1)))


def test_names_become_indices() -> None:
    assert SCENE.site("hand") == 0
    assert [SCENE.box(name) for name in ("cube", "bowl")] == [0, 1]
    assert SCENE.joints(("gripper", "base")) == [2, 0]
    assert SCENE.joints(()) == [0, 1, 2]
    assert [SCENE.command_size(name) for name in ("goal", "grip")] == [3, 1]


def test_an_unknown_name_gets_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="no box named 'cub'. Did you mean 'cube'. Known: bowl, cube"):
        SCENE.box("cub")
    with pytest.raises(UnknownNameError, match="no command named 'gaol'. Did you mean 'goal'"):
        SCENE.command_size("gaol")
    with pytest.raises(UnknownNameError, match="no joint named 'elbo'. Did you mean 'elbow'"):
        SCENE.joints(("elbo",))
    with pytest.raises(UnknownNameError, match="no site named 'hnd'. Did you mean 'hand'"):
        SCENE.site("hnd")
