"""A training run on disk: `runs/<time>-<task>-<seed>/` with everything needed to trust, resume and report it.

meta.json            full configuration, physical parameters really used, versions, hashes, command
curve.csv            one row per rollout
tensorboard/         the same for TensorBoard
checkpoints/<steps>/ model and normaliser; the newest three are kept
bundle/              the policy: policy.onnx and contract.json
evaluation.json      the evaluation at the end
"""

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_folder, write_atomic

KEPT_CHECKPOINTS = 3


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @classmethod
    def create(cls, root: Path, task: str, seed: int) -> "RunFolder":
        """Return a new folder `<root>/<time>-<task>-<seed>`; a second run within the same second gets a suffix."""
        stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{task}-{seed}"
        path, number = root / stem, 1
        while path.exists():
            number += 1
            path = root / f"{stem}-{number}"
        return cls(new_folder(path))

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Return an existing run.

        Raises:
            BadInputError: It is not a run folder.
        """
        if not (path / "meta.json").is_file():
            raise BadInputError(
                f"{path} is not a run folder: it has no meta.json. `roarm train` makes them under runs/."
            )
        return cls(path)

    @property
    def curve(self) -> Path:
        """One row per rollout."""
        return self.path / "curve.csv"

    @property
    def bundle(self) -> Path:
        """The policy."""
        return self.path / "bundle"

    def meta(self) -> dict[str, Any]:
        """Return `meta.json`.

        Raises:
            BadInputError: It is damaged.
        """
        try:
            return json.loads((self.path / "meta.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise BadInputError(f"{self.path / 'meta.json'} can not be read: {error}.") from error

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a JSON file of the run."""
        write_atomic(self.path / name, json.dumps(data, indent=1, allow_nan=False) + "\n", overwrite=True)

    def checkpoints(self) -> list[Path]:
        """Return finished checkpoints, oldest first."""
        folder = self.path / "checkpoints"
        return sorted(part for part in folder.glob("*") if part.name.isdigit()) if folder.is_dir() else []

    def add_checkpoint(self, steps: int, save: Callable[[Path], None]) -> Path:
        """Write a checkpoint: `save` fills a folder, which gets its name only when it is complete."""
        part = new_folder(self.path / "checkpoints" / f".{steps:010d}.part", overwrite=True)
        save(part)
        final = self.path / "checkpoints" / f"{steps:010d}"
        if final.exists():
            shutil.rmtree(final)
        part.rename(final)
        for old in self.checkpoints()[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(old)
        return final

    def cut_curve(self, steps: int) -> None:
        """Drop the rows after `steps`: training goes on from a checkpoint that is older than the last row."""
        if not self.curve.exists():
            return
        with self.curve.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        kept = [rows[0], *(row for row in rows[1:] if len(row) == len(rows[0]) and int(float(row[0])) <= steps)]
        write_atomic(self.curve, "".join(",".join(row) + "\n" for row in kept), overwrite=True)

    def append_curve(self, row: Mapping[str, float | int]) -> None:
        """Add a row to `curve.csv`, with a header before the first one."""
        fresh = not self.curve.exists()
        with self.curve.open("a", newline="", encoding="utf-8") as file:
            if fresh:
                file.write(",".join(row) + "\n")
            file.write(
                ",".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in row.values()) + "\n"
            )

    def read_curve(self) -> dict[str, list[float]]:
        """Return the columns of `curve.csv`."""
        if not self.curve.exists():
            return {}
        with self.curve.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name]) for row in rows] for name in rows[0]} if rows else {}
