"""`roarm serve`: a policy answers arms over the network."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import check_one_policy, parse
from roarm_lab.cli.console import terminal
from roarm_lab.workflows.deployment.serve_request import ServeRequest

DESCRIPTION = """\
  Serve a policy: it computes here, the arm stands elsewhere and asks for every
  control cycle (`roarm run --gateway HOST:PORT`). Late answers are marked and
  dropped by the arm; an arm that differs from the one the policy was made for
  is refused, with the difference in words. Several clients may ask; their
  questions are computed together.

  Only this computer is let in unless --host says otherwise; then a token and
  a certificate are needed. Ctrl-C and SIGTERM end it; SIGHUP takes the policy
  anew.

examples:
  roarm serve runs/RUN                                   for arms on this computer, on port 8700
  roarm serve --demo                                     the policy that comes with the package
  roarm serve runs/RUN --watch                           take every new policy of a training that goes on
  roarm serve runs/RUN --metrics-port 9100 --sla p99_ms=20
                                                         numbers for Prometheus, and a promise to be judged by
  roarm serve runs/RUN --host 0.0.0.0 --token-file token --tls-cert cert.pem --tls-key key.pem
                                                         for other computers
  roarm serve runs/RUN --openpi-port 8000                for openpi's clients as well

exit codes: 0 ended by Ctrl-C or SIGTERM, 2 bad input, 3 something is not installed"""


@dataclass(frozen=True, kw_only=True)
class ServeArguments(ServeRequest):
    """What to serve, and to whom."""

    policy: Annotated[Path | None, tyro.conf.Positional] = None
    """A bundle folder, a run folder that has one, or a checkpoint of a run."""
    demo: bool = False
    """Serve the policy that comes with the package."""
    json: bool = False
    """Print how it went as JSON."""


def run(argv: list[str]) -> int:
    """Serve until Ctrl-C, and say how it went."""
    request = parse(ServeArguments, argv, prog="roarm serve", description=DESCRIPTION)
    check_one_policy(request.policy, request.demo, "serve")
    request.validate()
    from roarm_lab.workflows.deployment.serve import serve

    with terminal(quiet=request.json) as frontend:
        result = serve(request, frontend)
    if request.json:
        sys.stdout.write(json.dumps(asdict(result), indent=2) + "\n")
    else:
        sys.stdout.write(
            f"{result.requests:,} requests of {result.clients} clients in {result.uptime_s:.0f} s; "
            f"{result.late} late, {result.refused} refused\n"
        )
    return 0
