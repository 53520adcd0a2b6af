"""A policy at work, live in the browser: episodes in real time, with buttons for pause, next and speed."""

import time
from collections.abc import Callable, Iterable
from itertools import count

from roarm_lab.core.arrays import Float64
from roarm_lab.evaluation.outcomes import Outcome
from roarm_lab.view.scene3d import GREEN, ORANGE, Scene3d
from roarm_lab.view.serving import Server
from roarm_lab.view.show import Moment, Show

PICTURES_PER_MOMENT = 3
"""Between two control steps the picture glides: 60 pictures a second at 20 Hz."""
SPEEDS = {"1/4": 0.25, "1/2": 0.5, "1": 1.0, "2": 2.0, "4": 4.0}
LOOK_S = 0.8
"""How long the end of an episode stays."""
WORDS_EVERY_S = 0.1
"""The eye can not read faster."""
LATE_S = 0.25
"""Further behind than this, the show goes on from now instead of catching up."""
NAP_S = 0.05


class LivePage:
    """One page on which a show is watched; all browsers see the same."""

    def __init__(self, server: Server, show: Show, about: str) -> None:
        """Fill the page.

        Args:
            server: Where.
            show: What plays.
            about: Words over the controls, as Markdown.
        """
        self._server, self._show = server, show
        self._scene = Scene3d(server, show.geometry, show.markers)
        self._done, self._tried = 0, 0
        self._paused = self._skip = self._stopped = False
        self._last: Moment | None = None
        self._cancelled: Callable[[], bool] = lambda: False
        self._due_s, self._words_due_s = time.monotonic(), 0.0
        self._add_controls(about)

    @property
    def words(self) -> tuple[str, str, str]:
        """What the page says now, as Markdown: what is going on, distance and time, and the score."""
        return self._status.content, self._numbers.content, self._score.content

    def pause(self, on: bool) -> None:
        """Stop the time, or let it go on."""
        self._paused = on
        self._pause_button.label = "Go on" if on else "Pause"

    def skip(self) -> None:
        """Leave the present episode; it does not count."""
        self._skip = True

    def stop(self) -> None:
        """Let `run` end soon."""
        self._stopped = self._skip = True

    def run(self, episodes: int, *, once: bool, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Play episodes 0 to `episodes` - 1, then from the first again; with `once` each only once.

        Without `once` an episode begins only while a browser is watching. Ends soon when `cancelled` says so.
        """
        self._cancelled = cancelled
        for turn in range(episodes) if once else count():
            if not once:
                self._wait_for_a_browser()
            if self._ends():
                return
            self._show_episode(turn % episodes, episodes)

    def _ends(self) -> bool:
        if self._cancelled():
            self.stop()
        return self._stopped

    def _show_episode(self, number: int, episodes: int) -> None:
        self._skip, self._last = self._ends(), None
        for moment in self._show.play(number):
            self._say(number, episodes, moment)
            if self._last is None:
                self._scene.resize(moment.box_scale)
            self._glide_to(moment)
            if self._ends() or self._skip:
                return
            if moment.outcome is not None:
                self._end(number, episodes, moment.outcome)

    def _end(self, number: int, episodes: int, outcome: Outcome) -> None:
        self._tried += 1
        self._done += outcome.success
        mark, color = ("✓", "success") if outcome.success else ("✗", "no success")
        self._status.content = f"**Episode {number + 1}** of {episodes}: {mark} {color}, {outcome.words}"
        self._score.content = f"{self._done} of {self._tried} succeeded"
        self._due_s += LOOK_S
        self._wait()

    def _glide_to(self, moment: Moment) -> None:
        """Show what lies between the last moment and this one, in real time; the markers jump."""
        at_goal = moment.held_s > 0.0
        for name, pos_w in moment.markers.items():
            self._scene.mark(name, pos_w, GREEN if at_goal else ORANGE)
        for qpos in self._between(moment):
            self._scene.show(qpos)
            self._due_s += self._show.dt_s / PICTURES_PER_MOMENT / SPEEDS[str(self._speed.value)]
            self._wait()
        self._last = moment

    def _between(self, moment: Moment) -> Iterable[Float64]:
        if self._last is None:
            return [moment.qpos]
        last, geometry = self._last.qpos, self._show.geometry
        shares = [(part + 1) / PICTURES_PER_MOMENT for part in range(PICTURES_PER_MOMENT)]
        return [geometry.between(last, moment.qpos, share) for share in shares]

    def _wait(self) -> None:
        """Sleep until the next picture is due, and while paused."""
        while self._paused and not (self._skip or self._ends()):
            time.sleep(NAP_S)
            self._due_s = time.monotonic()
        while (rest_s := self._due_s - time.monotonic()) > 0.0 and not self._skip:
            time.sleep(min(rest_s, NAP_S))
        if rest_s < -LATE_S or self._skip:
            self._due_s = time.monotonic()

    def _wait_for_a_browser(self) -> None:
        while not self._server.get_clients() and not self._ends():
            time.sleep(NAP_S)
            self._due_s = time.monotonic()

    def _say(self, number: int, episodes: int, moment: Moment) -> None:
        if (now_s := time.monotonic()) < self._words_due_s and moment.outcome is None:
            return
        self._words_due_s = now_s + WORDS_EVERY_S
        hold_s = self._show.config.success.hold_s
        held = f"at the goal for {moment.held_s:.2f} s (needs {hold_s:g} s)" if moment.held_s else "on its way"
        self._status.content = f"**Episode {number + 1}** of {episodes}: {held}"
        self._numbers.content = (
            f"| distance | time |\n|---|---|\n| {moment.distance_m * 1e3:.1f} mm "
            f"| {moment.time_s:.2f} of {self._show.config.episode_s:g} s |"
        )

    def _add_controls(self, about: str) -> None:
        gui = self._server.gui
        gui.add_markdown(about)
        self._status = gui.add_markdown("Waiting for the first episode.")
        self._numbers = gui.add_markdown("")
        self._score = gui.add_markdown("0 of 0 succeeded")
        self._pause_button = gui.add_button("Pause", hint="Stop the time, or let it go on.")
        self._pause_button.on_click(lambda _: self.pause(not self._paused))
        gui.add_button("Next episode", hint="Leave this episode; it does not count.").on_click(lambda _: self.skip())
        self._speed = gui.add_dropdown("speed", tuple(SPEEDS), initial_value="1", hint="1 is real time.")
        collision = gui.add_checkbox("collision shapes", initial_value=False)
        collision.on_update(lambda _: self._scene.show_collision(collision.value))
