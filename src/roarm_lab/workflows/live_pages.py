"""Where a live page can be opened, told to a front end."""

from roarm_lab.view.serving import EVERYWHERE, Server, address, tunnel
from roarm_lab.workflows.frontend import Frontend, Served


def tell_where(frontend: Frontend, what: str, host: str, server: Server) -> None:
    """Tell where a page is, and how to reach it from another computer."""
    port = server.get_port()
    frontend.tell(Served(what=what, url=address(host, port), tunnel=None if host in EVERYWHERE else tunnel(port)))
