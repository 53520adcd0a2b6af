"""Reading what `RolloutWriter` wrote, with checks: what is damaged is named with its file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.json_objects import check_keys, check_schema, read_object, told
from roarm_lab.datasets.rollouts import SCHEMA

META = "meta.json"
ABOUT = (
    "task", "robot", "seed", "control_dt_s", "joint_names", "box_names", "units", "provenance", "policy", "steps",
    "contract",
)  # fmt: skip
"""Keys of `meta.json` that say what was recorded."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A folder of recorded episodes."""

    path: Path
    about: Mapping[str, Any]
    """Everything in `meta.json`."""

    @property
    def steps(self) -> int | None:
        """For how many steps the policy had learned; None for a finished one."""
        steps = self.about.get("steps")
        return steps if isinstance(steps, int) else None

    @property
    def outcomes(self) -> list[bool]:
        """Whether each episode was a success."""
        return [bool(episode.get("success")) for episode in self.about["episodes"]]

    def arrays(self, number: int) -> dict[str, NDArray[Any]]:
        """Return the arrays [step, ...] of episode `number`.

        Raises:
            BadInputError: The file is missing or damaged.
        """
        path = self.path / Path(str(self.about["episodes"][number].get("file"))).name
        try:
            with np.load(path) as kept:
                return {name: np.asarray(kept[name]) for name in kept.files}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise BadInputError(f"The recorded episode {path} can not be read: {error}.") from error


def find_recordings(path: Path) -> list[Recording]:
    """Return the finished recordings of a run folder or in the folder itself, in the order in which the policy learned.

    Raises:
        BadInputError: There are none, or one is damaged.
    """
    folder = path / "rollouts" if (path / "rollouts").is_dir() else path
    single = _read(folder) if (folder / META).is_file() else None
    if single is not None:
        return [single]
    parts = sorted(part for part in folder.glob("*") if (part / META).is_file()) if folder.is_dir() else []
    found = [recording for part in parts if (recording := _read(part)) is not None]
    if not found:
        raise BadInputError(
            f"There are no recorded rollouts in {path}. `train()` makes them with `record_rollouts=` or "
            "`record_callback_rollouts=True`."
        )
    # A finished policy comes last; sorting keeps the order in time otherwise.
    return sorted(found, key=lambda item: (item.steps is None, item.steps or 0))


def _read(folder: Path) -> Recording | None:
    """Return the recording in a folder; None if its `meta.json` is about something else."""
    path = folder / META
    about = read_object(path)
    if "episodes" not in about:
        return None
    check_schema(about, str(path), SCHEMA)
    check_keys(about, str(path), ("schema", "episodes"), ABOUT)
    for index, episode in enumerate(_list(about["episodes"], path)):
        _check_episode(episode, f"{path}: episodes[{index}]")
    return Recording(path=folder, about=about)


def _list(value: object, path: Path) -> list[object]:
    if not isinstance(value, list):
        raise BadInputError(f"{path} is damaged: 'episodes' must be a list, got {told(value)}.")
    return cast("list[object]", value)


def _check_episode(episode: object, where: str) -> None:
    """Refuse an entry that does not name its file, or whose outcome is neither true nor false."""
    entry = cast("Mapping[str, Any]", episode) if isinstance(episode, dict) else {}
    if not isinstance(entry.get("file"), str) or not isinstance(entry.get("success", False), bool):
        raise BadInputError(f"{where} must be an object with 'file', a text, and 'success', true or false.")
