"""Keeps in a run's `meta.json` what its simulator left out, and says so the first time."""

from collections.abc import Callable
from typing import Any, cast

from roarm_lab.envs.env import Env
from roarm_lab.evaluation.engine_faults import OVERFLOWS, overflow_in_words
from roarm_lab.runs.run_folder import RunFolder


class OverflowLog:
    """Asks the worlds of this process after every rollout; when training goes on, the larger count is kept."""

    def __init__(self, run: RunFolder, env: Env, say: Callable[[str], object]) -> None:
        self._run, self._env, self._say = run, env, say
        self._known: dict[str, int] = {}
        self._said = False

    def look(self) -> None:
        """Ask, keep what has changed, and say it once if contacts were left out."""
        found = self._env.backend.overflows()
        if found == self._known:
            return
        self._known = found
        meta = self._run.meta()
        before = cast("dict[str, Any]", meta.get(OVERFLOWS) or {})
        kept = {name: max(found.get(name, 0), before.get(name, 0)) for name in {**before, **found}}
        self._run.write_json("meta.json", {**meta, OVERFLOWS: kept})
        words = overflow_in_words(found, self._env.num_envs)
        if words is not None and not self._said:
            self._said = True
            self._say(f"{words}. Things can go through each other there; `explain({str(self._run.path)!r})` says more.")
