"""What figures were measured on."""

import os
from typing import Any

from roarm_lab.core.provenance import provenance, usable_cores


def machine() -> dict[str, Any]:
    """Return processor, usable cores, load, time and versions."""
    facts = provenance()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "cpu": facts["cpu"],
        "cores": usable_cores(),
        "load": load,
        "time_utc": facts["time_utc"],
        "packages": facts["packages"],
    }
