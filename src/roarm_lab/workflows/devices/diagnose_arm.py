"""`roarm doctor --arm`: listens to an arm without moving it, and says what is wrong with it and what to do."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.core.provenance import provenance
from roarm_lab.core.shown import shown
from roarm_lab.hardware.diagnosis import Finding, State, findings, unopened
from roarm_lab.hardware.link import Address, LinkError
from roarm_lab.hardware.port_discovery import same_arm
from roarm_lab.hardware.probe import listen
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import Station
from roarm_lab.workflows.arm_session import station_for

STYLES = {State.FINE: "green", State.BAD: "bold red", State.NOTE: "yellow"}


def examine(address: str, station_path: Path | None, *, as_json: bool) -> int:
    """Print what is found at an address; return 1 when something is bad, otherwise 0.

    Raises:
        BadInputError: It is no address, or the station file is another arm's or can not be used.
    """
    station = station_for(station_path, None, ROARM_M3)
    address = address or (station.address if station else "serial")
    Address.parse(address)
    found = [*diagnose(address, station), *_stop_file(station)]
    if as_json:
        print(json.dumps(report(address, station, found), indent=2, allow_nan=False))
    else:
        show(address, found, Console(highlight=False))
    return int(any(finding.state is State.BAD for finding in found))


def diagnose(address: str, station: Station | None) -> list[Finding]:
    """Return what is wrong with the arm at an address, worst first.

    Raises:
        BadInputError: Another arm than the station's is there.
    """
    try:
        address = same_arm(address, station.usb_serial if station else "")
        if sys.stderr.isatty():
            sys.stderr.write(f"listening to {shown(address)}; it is not moved (up to 30 s while it starts) ...\n")
        return findings(listen(address), station)
    except LinkError as error:
        return [unopened(address, error)]
    except BadInputError as error:
        if "Several ports" not in str(error):
            raise
        return [unopened(address, MissingError(str(error)))]


def report(address: str, station: Station | None, found: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings and what they were made with as plain JSON values."""
    return {
        "fine": all(finding.state is not State.BAD for finding in found),
        "address": address,
        "station": station.facts() if station else None,
        "findings": [asdict(finding) for finding in found],
        "machine": provenance(),
    }


def show(address: str, found: Sequence[Finding], console: Console) -> None:
    """Print the findings, each with its evidence and what to do, then the verdict."""
    console.print(Text(f"The arm at {shown(address)}", "bold"))
    for finding in found:
        console.print(Text(f"{finding.state:<5}", STYLES[finding.state]), Text(finding.says))
        console.print(Text(f"      measured  {finding.evidence}"), soft_wrap=True)
        if finding.next:
            console.print(Text(f"      next      {finding.next}", "bold"), soft_wrap=True)
    bad = sum(finding.state is State.BAD for finding in found)
    verdict = f"{bad} to repair, the first one first." if bad else "The arm can be driven."
    console.print(Text(verdict, STYLES[State.BAD if bad else State.FINE]))


def _stop_file(station: Station | None) -> list[Finding]:
    """Return that the stop file stops the arm, where it does."""
    stop = station and station.estop_file()
    reason = stop.wants_stop() if stop else None
    if not reason:
        return []
    return [
        Finding(
            cause="stop-file",
            state=State.NOTE,
            says="nothing will be sent to the arm",
            evidence=reason,
            next="remove the file when the arm may move",
        )
    ]
