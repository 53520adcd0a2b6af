"""What a log of arms that differed from their policies says: which difference, since when, how often, where."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.shown import shown
from roarm_lab.gateway.drift import FILE
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Notice

TEXTS = ("ts", "client", "kind", "name", "text")


@dataclass(frozen=True, kw_only=True)
class DriftRequest:
    """Which log."""

    log: Path = Path("logs")
    """The file hash_mismatch_events.jsonl, or the folder that it is in."""

    @property
    def file(self) -> Path:
        """The file."""
        return self.log / FILE if self.log.is_dir() else self.log

    def validate(self) -> None:
        """Refuse a log that is not there.

        Raises:
            BadInputError: It is not.
        """
        if not self.file.is_file():
            raise BadInputError(
                f"There is no log {shown(self.file)}. A policy server writes {FILE} into its folder of logs, and so "
                "does a run on an arm, as soon as an arm differs from the one its policy was made for."
            )


@dataclass(frozen=True, kw_only=True)
class DriftRow:
    """One difference, and all that is known of it."""

    kind: str
    """`model`, `task`, `randomization`, `station` or `calibration`."""
    name: str
    """What of it; empty for all."""
    text: str
    """In words, as it was last."""
    count: int
    """How often it was met."""
    allowed: int
    """How often the policy drove the arm all the same."""
    since: str
    """When it was first met, UTC."""
    last: str
    """When it was last met, UTC."""
    clients: tuple[str, ...]
    """Whose arms."""
    stations: tuple[str, ...]
    """Where the arms stand, as far as that was told."""


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """All differences of a log, the latest first."""

    rows: tuple[DriftRow, ...]
    lines: int
    """Lines that were read."""
    damaged: int
    """Lines that could not be read."""


@dataclass
class _Seen:
    last: Mapping[str, Any]
    since: str
    count: int = 0
    allowed: int = 0
    clients: set[str] = field(default_factory=set[str])
    stations: set[str] = field(default_factory=set[str])


def read_drift(request: DriftRequest, frontend: Frontend = UNATTENDED) -> DriftReport:
    """Return what a log of differences says.

    Args:
        request: Which log.
        frontend: Is told of lines that can not be read.

    Raises:
        BadInputError: There is no such log.
    """
    request.validate()
    path = request.file
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise BadInputError(f"{shown(path)} can not be read: {error.strerror}.") from error
    seen: dict[tuple[str, str], _Seen] = {}
    damaged = 0
    for line in lines:
        entry = _entry(line)
        if entry is None:
            damaged += 1
            continue
        one = seen.setdefault((entry["kind"], entry["name"]), _Seen(entry, entry["ts"]))
        one.count += 1
        one.allowed += entry.get("allowed") is True
        one.clients.add(entry["client"])
        if isinstance(station := entry.get("station"), str) and station:
            one.stations.add(station)
        one.since = min(one.since, entry["ts"])
        one.last = entry if entry["ts"] >= one.last["ts"] else one.last
    if damaged:
        text = f"{damaged} of {len(lines)} lines of {shown(path)} can not be read; they are left out."
        frontend.tell(Notice(code="damaged-lines", text=text, level="warning"))
    rows = [_row(one) for one in seen.values()]
    return DriftReport(
        rows=tuple(sorted(rows, key=lambda row: row.last, reverse=True)), lines=len(lines), damaged=damaged
    )


def _entry(line: str) -> dict[str, Any] | None:
    """Return what a line says; None where it is none of this log, or cut off."""
    try:
        entry = json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return None
    whole = isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in TEXTS)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return entry if whole else None  # pyright: ignore[reportUnknownVariableType]


def _row(one: _Seen) -> DriftRow:
    return DriftRow(
        kind=one.last["kind"],
        name=one.last["name"],
        text=one.last["text"],
        count=one.count,
        allowed=one.allowed,
        since=one.since,
        last=one.last["ts"],
        clients=tuple(sorted(one.clients)),
        stations=tuple(sorted(one.stations)),
    )
