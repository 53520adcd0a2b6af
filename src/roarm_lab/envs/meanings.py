"""What a contract says besides its terms: frames, joints, limits, boxes, and the order of an episode."""

from roarm_lab.envs.config import EnvConfig
from roarm_lab.robots.limits import LIMITS_MEAN

BOXES = (
    "Each box is a loose cube of edge size_m and mass mass_kg, evenly filled; its frame is in its centre, along its "
    "edges. `contact` holds the attributes of its geom as MuJoCo names them. Where a gripping face touches it, the "
    "face decides, by its higher priority in the exported model."
)
INPUTS = (
    "One input per term, by its name, [batch, size] float32, its numbers in the order of `components`. `meaning` tells "
    "the numbers of one moment: of the start, then of the end of each control step."
)
OUTPUT = (
    "[batch, step, action] of one step. Each number is clipped to low and high; the terms of `actions` take theirs one "
    "after another and give wished angles. A joint that no term moves is wished where its target is. `limits` makes "
    "the wish the target."
)


def meanings_of(config: EnvConfig) -> dict[str, str]:
    """Return by topic what the numbers of a contract's interface mean."""
    return {
        "world": _world(config),
        "joints": (
            "Angles [rad] of the joints that the exported model calls so. lower_rad to upper_rad is the range of a "
            "joint, target_lower_rad to upper_rad that of its targets: below its range it presses on something."
        ),
        "limits": LIMITS_MEAN,
        "boxes": BOXES,
        "observations": INPUTS,
        "output": OUTPUT,
        "episode": _episode(config),
    }


def _world(config: EnvConfig) -> str:
    base = config.robot.joints[0].name
    return (
        f"The world frame has its origin on the table, in the axis of the joint {base}: x forward, z up. Everything is "
        "in metres, radians, seconds and kilograms; quaternions are w, x, y, z. Sites and geoms are those of the model "
        f"of {config.robot.name} that this package exports; the columns of a site's rotation matrix "
        "are its axes."
    )


def _episode(config: EnvConfig) -> str:
    return (
        "The terms of `start` set the scene in their order, then the commands are drawn, and the first observation is "
        f"taken before anything moves. Then come {config.episode_steps} control steps (episode_s / control_dt_s): "
        f"policy, limits, the targets held for control_dt_s ({config.substeps} physics steps of "
        f"{config.sim.physics_dt_s:g} s), success and terminations judged, the next observation."
    )
