"""What is true inside an emulated arm, for tests and for the curious: things that no real arm tells."""

from dataclasses import asdict
from typing import Any

from roarm_lab.emulator.board import Board


def snapshot(board: Board) -> dict[str, Any]:
    """Return registers, memory and the true pose in words that JSON knows.

    Joint angles are radians in the order and signs of this project (gripper 0 closed), boxes are in metres; the rest is
    in the firmware's own units: encoder steps, steps per second, 0.1 % of the stall torque.
    """
    servos = {
        str(place): {
            "goal": servo.goal,
            "reading": servo.reading,
            "speed": servo.speed,
            "acc": servo.acc,
            "load": servo.load,
            "p": servo.p,
            "torque_on": servo.torque_on,
            "torque_limit": servo.torque_limit,
            "moving": servo.moving,
        }
        for place, servo in board.servos.items()
    }
    return {
        "time_s": board.now_s,
        "ready": board.ready,
        "resets": board.resets,
        "info_print": board.ram.info_print,
        "stopped": board.ram.stopped,
        "pwm": list(board.ram.pwm),
        "joint_pos": board.joint_pos.tolist(),
        "box_pos_w": {name: board.world.box_pose(name)[0].tolist() for name in board.world.boxes},
        "servos": servos,
        "wifi": asdict(board.ram.wifi),
        "flash": asdict(board.flash),
    }
