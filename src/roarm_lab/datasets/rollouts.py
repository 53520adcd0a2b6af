"""Recorded episodes: `rollouts/<time>/` with `meta.json` and one array file per episode, readable with NumPy alone.

meta.json            what was recorded: task, policy, seed, names and units of the columns, one entry per episode
episode_000000.npz   arrays [step, ...]: time_s, joint_pos (rad), joint_target (rad), action, command_<name>, ...
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_folder, write_atomic

SCHEMA = 1


class RolloutWriter:
    """Writes episodes one by one; each is complete on disk before the next begins."""

    def __init__(self, root: Path, about: Mapping[str, Any]) -> None:
        """Make `<root>/<time>/`.

        Raises:
            BadInputError: The folder can not be made.
        """
        stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        path, number = root / stem, 1
        while path.exists():
            number += 1
            path = root / f"{stem}-{number}"
        self.path = new_folder(path)
        self._about, self._episodes = dict(about), list[dict[str, Any]]()

    def add(self, arrays: Mapping[str, NDArray[Any]], outcome: Mapping[str, Any]) -> Path:
        """Write an episode's arrays [step, ...] and return its file.

        Raises:
            BadInputError: Arrays differ in length or hold what is not a number.
        """
        lengths = {name: len(values) for name, values in arrays.items()}
        if len(set(lengths.values())) != 1:
            raise BadInputError(f"The arrays of an episode must have one length, got {lengths}.")
        for name, values in arrays.items():
            if not np.isfinite(values).all():
                raise BadInputError(f"Array {name!r} holds something that is not a number.")
        path = self.path / f"episode_{len(self._episodes):06d}.npz"
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **arrays)  # pyright: ignore[reportArgumentType]
        part.rename(path)
        self._episodes.append({"file": path.name, "steps": next(iter(lengths.values())), **outcome})
        return path

    def close(self) -> None:
        """Write `meta.json`; without it a recording counts as unfinished."""
        data = {"schema": SCHEMA, **self._about, "episodes": self._episodes}
        write_atomic(self.path / "meta.json", json.dumps(data, indent=1, allow_nan=False) + "\n", overwrite=True)
