"""A training run on disk: `runs/<time>-<task>-<seed>/` with everything needed to trust, resume and report it.

meta.json            full configuration, physical parameters really used, versions, hashes, command
domain_randomization.yaml  by what worlds differed, if they did
curve.csv            one row per rollout
tensorboard/         the same for TensorBoard
checkpoints/<steps>/ model and normaliser; the newest three are kept
bundle/              the policy: policy.onnx and contract.json
evaluation.json      the evaluation at the end
"""

import csv
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_folder, new_timed_folder, run_near, write_atomic
from roarm_lab.policies.bundle import CONTRACT, POLICY
from roarm_lab.runs.run_meta import read_meta

KEPT_CHECKPOINTS = 3
EVALUATION = "evaluation.json"
UNKNOWN = "nan"
TRACKED = "wandb.json"
"""Where else the numbers of a run go."""
RANDOMIZATION = "domain_randomization.yaml"


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @classmethod
    def create(cls, root: Path, task: str, seed: int) -> "RunFolder":
        """Return a new folder `<root>/<time>-<task>-<seed>`.

        Raises:
            BadInputError: It can not be made.
        """
        return cls(new_timed_folder(root, task, seed))

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Return an existing run.

        Raises:
            BadInputError: It is not a run folder.
        """
        if not path.is_dir():
            raise BadInputError(f"There is no run folder {path}. {run_near(path)}")
        if not (path / "meta.json").is_file():
            raise BadInputError(f"{path} is not a run folder: it has no meta.json. {run_near(path)}")
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
            BadInputError: It is damaged, of another schema, or has a key that nobody reads.
        """
        return read_meta(self.path)

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a JSON file of the run."""
        write_atomic(self.path / name, json.dumps(data, indent=1, allow_nan=False) + "\n", overwrite=True)

    def is_finished(self) -> bool:
        """Whether the run has a policy and its evaluation; files that were deleted can be made again."""
        return self.is_evaluated() and all((self.bundle / name).exists() for name in (CONTRACT, POLICY))

    def is_evaluated(self) -> bool:
        """Whether the run got as far as the evaluation of its policy; one that can not be read is none."""
        try:
            return isinstance(json.loads((self.path / EVALUATION).read_text(encoding="utf-8")), dict)
        except (OSError, ValueError, RecursionError):
            return False

    def forget_evaluation(self) -> None:
        """Delete an evaluation that belongs to an earlier policy of this run."""
        (self.path / EVALUATION).unlink(missing_ok=True)

    def checkpoints(self) -> list[Path]:
        """Return finished checkpoints, oldest first."""
        folder = self.path / "checkpoints"
        return sorted(part for part in folder.glob("*") if part.name.isdigit()) if folder.is_dir() else []

    def add_checkpoint(self, steps: int, save: Callable[[Path], None]) -> Path:
        """Write a checkpoint: `save` fills a folder, which gets its name only when it is complete and on the disk.

        Raises:
            OSError: It can not be written; those that were there are kept, and nothing of the new one.
        """
        folder = self.path / "checkpoints"
        for left in folder.glob(".*.part"):  # by a process that was killed
            shutil.rmtree(left)
        part = new_folder(folder / f".{steps:010d}.part")
        try:
            save(part)
            for file in part.iterdir():
                _flush(file)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
            raise
        final = folder / f"{steps:010d}"
        if final.exists():
            shutil.rmtree(final)
        part.rename(final)
        for old in self.checkpoints()[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(old)
        return final

    def cut_curve(self, steps: int) -> None:
        """Drop the rows after `steps`: training goes on from a checkpoint that is older than the last row.

        Raises:
            BadInputError: The curve is damaged; the text names the line.
        """
        done = self.read_curve().get("steps")  # checks every row
        if done is not None:
            header, *rows = self._curve_rows()
            kept = [header, *(row for row, at in zip(rows, done, strict=True) if at <= steps)]
            write_atomic(self.curve, "".join(",".join(row) + "\n" for row in kept), overwrite=True)
        else:
            self.curve.unlink(missing_ok=True)

    def append_curve(self, row: Mapping[str, float | int]) -> None:
        """Add a row to `curve.csv`, with a header before the first one.

        A curve with other columns, of a run that an older version began, gets the missing ones; `nan` where unknown.
        """
        cells = {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in row.items()}
        header = self._header()
        if header is None or not cells.keys() <= set(header):
            header = self._widen(list(cells))
        with self.curve.open("a", newline="", encoding="utf-8") as file:
            file.write(",".join(cells.get(name, UNKNOWN) for name in header) + "\n")

    def read_curve(self) -> dict[str, list[float]]:
        """Return the columns of `curve.csv`; nothing before its first row.

        Raises:
            BadInputError: It is damaged; the text names the line.
        """
        header, *rows = self._curve_rows() or [[]]
        if not rows:
            return {}
        if "steps" not in header:
            raise self._damaged(1, "the names of the columns are expected, among them steps")
        table = [self._numbers(line, row, len(header)) for line, row in enumerate(rows, start=2)]
        return {name: [row[index] for row in table] for index, name in enumerate(header)}

    def _numbers(self, line: int, row: list[str], width: int) -> list[float]:
        try:
            values = [float(cell) for cell in row]
        except ValueError as error:
            raise self._damaged(line, str(error)) from error
        if len(values) != width:
            raise self._damaged(line, f"{width} numbers are expected, got {len(values)}")
        return values

    def _damaged(self, line: int, what: str) -> BadInputError:
        return BadInputError(
            f"{self.curve} is damaged: line {line}: {what}. Repair it, or delete the file: only the curve is lost."
        )

    def _header(self) -> list[str] | None:
        """Return the names of the columns; None before there are any."""
        if not self.curve.exists():
            return None
        with self.curve.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n").split(",")

    def _widen(self, names: list[str]) -> list[str]:
        """Write the curve anew with the columns `names` and those that it had besides; return them all."""
        old, *rows = self._curve_rows() or [[]]
        header = [*names, *(name for name in old if name not in names)]
        known = [dict(zip(old, row, strict=False)) for row in rows]
        lines = [header, *([cells.get(name, UNKNOWN) for name in header] for cells in known)]
        write_atomic(self.curve, "".join(",".join(line) + "\n" for line in lines), overwrite=True)
        return header

    def _curve_rows(self) -> list[list[str]]:
        """Return header and rows; a last row that a killed process left unfinished is left out."""
        if not self.curve.exists():
            return []
        try:
            lines = self.curve.read_text(encoding="utf-8").splitlines(keepends=True)
            return list(csv.reader(line for line in lines if line.endswith("\n")))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BadInputError(f"{self.curve} can not be read: {error}.") from error


def _flush(path: Path) -> None:
    with path.open("r+b") as file:  # Windows flushes only what may be written
        os.fsync(file.fileno())
