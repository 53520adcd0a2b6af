"""Recorded episodes: `rollouts/<time>/` with `meta.json` and one array file per episode, readable with NumPy alone.

meta.json            what was recorded: task, policy, seed, names and units of the columns, one entry per episode
episode_000000.npz   arrays [step, ...]: time_s, joint_pos, joint_target, command_<name>, action, next_joint_pos;
                     with loose objects also box_pos_w [step, box, 3] and box_quat_w [step, box, 4]

A row has the moment that the policy saw, the action it gave for it, and the pose one control step later.
"""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_timed_folder, write_atomic

SCHEMA = 1


class RolloutWriter:
    """Writes episodes one by one; each is complete on disk before the next begins."""

    def __init__(self, root: Path, about: Mapping[str, Any]) -> None:
        """Make `<root>/<time>/`.

        Raises:
            BadInputError: The folder can not be made.
        """
        self.path = new_timed_folder(root)
        self._about, self._episodes = dict(about), list[dict[str, Any]]()

    def add(self, arrays: Mapping[str, NDArray[Any]], outcome: Mapping[str, Any]) -> Path:
        """Write an episode's arrays [step, ...] and return its file.

        Raises:
            BadInputError: Arrays differ in length or hold what is not a number, or the file can not be written.
        """
        lengths = {name: len(values) for name, values in arrays.items()}
        if len(set(lengths.values())) != 1:
            raise BadInputError(f"The arrays of an episode must have one length, got {lengths or 'no array'}.")
        for name, values in arrays.items():
            if not np.isfinite(values).all():
                raise BadInputError(f"Array {name!r} holds something that is not a number.")
        path = self.path / f"episode_{len(self._episodes):06d}.npz"
        file = BytesIO()
        np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
        write_atomic(path, file.getvalue())
        self._episodes.append({"file": path.name, "steps": next(iter(lengths.values())), **outcome})
        return path

    def close(self) -> None:
        """Write `meta.json`; without it a recording counts as unfinished."""
        data = {"schema": SCHEMA, **self._about, "episodes": self._episodes}
        write_atomic(self.path / "meta.json", json.dumps(data, indent=1, allow_nan=False) + "\n", overwrite=True)
