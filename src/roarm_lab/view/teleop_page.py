"""A teleoperated arm, live in the browser: as it is measured, its joints and loads, ages, and why it is held."""

import threading
import time
from collections.abc import Sequence

import numpy as np

from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.sim.geometry import Geometry
from roarm_lab.teleop.session import OperatorCommand, TeleopTurn
from roarm_lab.view.model_page import readout
from roarm_lab.view.scene3d import Scene3d
from roarm_lab.view.serving import Server

WORDS_EVERY_S = 0.1
"""The eye can not read faster."""
STOPPED = "**Held:** "


class TeleopPage:
    """One page that shows turns as they come. Its one button that does something is the emergency stop.

    It can stop the arm but not let it go on: that is for somebody who stands beside it.
    """

    def __init__(self, server: Server, geometry: Geometry, about: str) -> None:
        """Fill the page.

        Args:
            server: Where.
            geometry: What the arm looks like.
            about: Words over the controls, as Markdown.
        """
        self._geometry, self._kinematics = geometry, Kinematics(geometry.robot)
        self._scene = Scene3d(server, geometry)
        self._lock = threading.Lock()
        self._stops = 0
        self._words_due_s = 0.0
        server.gui.add_markdown(about)
        self._state = server.gui.add_markdown("Waiting for the first turn.")
        stop = server.gui.add_button("Emergency stop", color="red", hint="Holds the arm. Clear it at the arm.")
        stop.on_click(lambda _: self.stop())
        self._joints, self._times = server.gui.add_markdown(""), server.gui.add_markdown("")
        self._sites = server.gui.add_markdown("")

    @property
    def words(self) -> tuple[str, str, str]:
        """What the page says now, as Markdown: how it stands, joints, and times."""
        return self._state.content, self._joints.content, self._times.content

    def stop(self) -> None:
        """Want an emergency stop."""
        with self._lock:
            self._stops += 1

    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        """Return the stops that were wanted since the last call."""
        del now_s
        with self._lock:
            stops, self._stops = self._stops, 0
        return [OperatorCommand.STOP] * stops

    def show(self, turn: TeleopTurn) -> None:
        """Show a turn. May take a while: not for the loop's own thread."""
        if turn.sample.valid:
            self._scene.show(self._geometry.qpos(turn.sample.joint_pos))
        if (now_s := time.monotonic()) >= self._words_due_s:
            self._words_due_s = now_s + WORDS_EVERY_S
            self._state.content = state_words(turn)
            self._joints.content = joint_table(turn, self._geometry.robot.joint_names)
            self._times.content = time_table(turn)
            if turn.sample.valid:
                self._sites.content = readout(self._kinematics, turn.sample.joint_pos)


def state_words(turn: TeleopTurn) -> str:
    """Return in words whether the arm moves, and who steers, as Markdown."""
    how = "**Free:** targets pass the gate" if turn.latched is None else f"{STOPPED}{turn.latched}"
    trouble = f"  \n{turn.trouble}" if turn.trouble else ""
    return f"{how}  \n{turn.name}: {turn.note}{trouble}"


def joint_table(turn: TeleopTurn, names: Sequence[str]) -> str:
    """Return measured angle, sent target [rad] and effort of each joint, as Markdown."""
    if not turn.sample.valid:
        return f"No pose: {turn.sample.reason}"
    rows = ["| joint | is, rad | sent, rad | effort |", "|---|---|---|---|"]
    efforts = [None] * len(names) if turn.sample.effort is None else list(turn.sample.effort)
    for name, angle, sent, effort in zip(names, turn.sample.joint_pos, turn.sent, efforts, strict=True):
        load = "-" if effort is None or not np.isfinite(effort) else f"{effort:+.0%}"
        rows.append(f"| {name} | {angle + 0.0:+.3f} | {sent + 0.0:+.3f} | {load} |")
    return "\n".join(rows)


def time_table(turn: TeleopTurn) -> str:
    """Return age of the sample, lateness and length of the turn [ms], as Markdown."""
    values = (turn.age_s, turn.late_s, turn.compute_s)
    return "| age of data | late | turn |\n|---|---|---|\n| " + " | ".join(f"{1e3 * v:.1f} ms" for v in values) + " |"
