"""What a policy's contract says of the arm itself."""

from typing import Any

from roarm_lab.robots.robot import Robot


def interface_of_robot(robot: Robot) -> dict[str, Any]:
    """Return name, joints with their limits [rad, rad/s, rad/s^2] and keyframes [rad], as plain data."""
    return {
        "robot": robot.name,
        "joints": [
            {
                "name": joint.name,
                "lower_rad": joint.lower_rad,
                "upper_rad": joint.upper_rad,
                "target_lower_rad": joint.target_lower_rad,
                "max_speed_rad_s": joint.max_speed_rad_s,
                "max_accel_rad_s2": joint.max_accel_rad_s2,
                "max_lead_rad": joint.max_lead_rad,
            }
            for joint in robot.joints
        ],
        "keyframes": {name: list(angles) for name, angles in robot.keyframes},
    }
