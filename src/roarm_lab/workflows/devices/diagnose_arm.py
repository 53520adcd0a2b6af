"""Listen to an arm without moving it, and say what is wrong with it and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roarm_lab.core.findings import State
from roarm_lab.core.provenance import provenance
from roarm_lab.core.shown import shown
from roarm_lab.hardware.diagnosis import Finding, findings, unopened
from roarm_lab.hardware.link import Address, LinkError
from roarm_lab.hardware.port_discovery import same_arm
from roarm_lab.hardware.probe import listen
from roarm_lab.robots.station import Station
from roarm_lab.robots.table import get_robot
from roarm_lab.workflows.arm_session import station_for
from roarm_lab.workflows.devices.arm_target import ArmTarget
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Notice


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What was found at an address, worst first."""

    address: str
    """Where it was looked."""
    station: Mapping[str, Any] | None
    """What holds at that place."""
    findings: tuple[Finding, ...]
    """Each with its evidence and what to do."""
    machine: Mapping[str, Any]
    """On what it was looked at."""

    @property
    def fine(self) -> bool:
        """Whether the arm can be driven."""
        return all(finding.state is not State.BAD for finding in self.findings)


def diagnose(target: ArmTarget, frontend: Frontend = UNATTENDED) -> Diagnosis:
    """Return what is wrong with an arm; it is not moved.

    Args:
        target: Which arm.
        frontend: Hears that it is listened to, which takes up to half a minute.

    Raises:
        BadInputError: It is no address, another arm is there, or the station file can not be used.
    """
    station = station_for(target.station, None, get_robot(target.robot))
    address = target.arm or (station.address if station else "serial")
    Address.parse(address)
    found = (*_heard(address, station, frontend), *_stop_file(station))
    facts = station.facts() if station else None
    return Diagnosis(address=address, station=facts, findings=found, machine=provenance())


def _heard(address: str, station: Station | None, frontend: Frontend) -> list[Finding]:
    try:
        address = same_arm(address, station.usb_serial if station else "")
        text = f"listening to {shown(address)}; it is not moved (up to 30 s while it starts) ..."
        frontend.tell(Notice(code="looking", text=text))
        return findings(listen(address), station)
    except LinkError as error:
        return [unopened(address, error)]


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
