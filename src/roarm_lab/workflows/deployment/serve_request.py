"""What a policy server serves, to whom, and how it went, as values."""

from dataclasses import dataclass
from pathlib import Path

from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.workflows.requests import at_least

PORT = 8700
"""A choice: free on most computers."""


@dataclass(frozen=True, kw_only=True)
class ServeRequest:
    """What to serve, and to whom."""

    policy: Path | None = None
    """A bundle folder, a run folder that has one, or a checkpoint of a run; None for the policy that comes with the
    package."""
    host: str = "127.0.0.1"
    """The address to listen on. Any but this computer's own needs a token and TLS."""
    port: int = PORT
    """The port; 0 takes a free one."""
    token_file: Path | None = None
    """A file that nobody else may read: who connects must know what is in it."""
    tls_cert: Path | None = None
    """Certificate, PEM. Connections are encrypted then."""
    tls_key: Path | None = None
    """Its private key, PEM."""
    openpi_port: int | None = None
    """Speak the protocol of openpi's clients (WebSocket) on this port as well; 0 takes a free one."""
    metrics_port: int | None = None
    """Tell how it goes over HTTP on this port: /metrics for Prometheus, /healthz; 0 takes a free one."""
    station: Path | None = None
    """Station file of the arm that the policy was made for: an arm that differs is refused."""
    sla: tuple[str, ...] = ()
    """What is promised, for instance `p99_ms=20`."""
    watch: bool = False
    """Take the policy anew when its files change; clients stay connected."""
    log: Path = Path("logs")
    """Folder for gateway_events.jsonl, gateway_metrics.json and gateway_metrics.prom."""
    max_clients: int = 8
    """How many may be connected at the same time."""
    max_rate_hz: float = 2000.0
    """How many messages a client may send per second."""

    def validate(self) -> None:
        """Refuse what can not be served so.

        Raises:
            BadInputError: Says what is missing.
            InvalidValueError: Says which number makes no sense.
        """
        at_least(self, 1, "max_clients", "max_rate_hz")
        for name in ("port", "openpi_port", "metrics_port"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 65535:
                raise InvalidValueError(name, value, "must be 0 to 65535")
        if (self.tls_cert is None) != (self.tls_key is None):
            given, missing = ("tls_cert", "tls_key") if self.tls_key is None else ("tls_key", "tls_cert")
            raise BadInputError(f"`{given}=` needs `{missing}=` as well: a certificate and its private key.")


@dataclass(frozen=True, kw_only=True)
class ServeResult:
    """How a policy server did, from its start to its end."""

    requests: int
    """Requests that were answered or refused."""
    late: int
    """Of those, the answers that missed their deadline."""
    refused: int
    """Of those, the ones that were refused."""
    clients: int
    """Clients that were let in."""
    reloads: int
    """How often the policy was taken anew."""
    uptime_s: float
