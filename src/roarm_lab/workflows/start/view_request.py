"""Which model to show, and where, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ViewRequest:
    """What to show and where."""

    name: str
    """An arm or a task, of this package or your own: my_tasks.py:stack_two."""
    port: int = 8080
    """Port of the page; 0 takes any free one."""
    host: str = "127.0.0.1"
    """Address of the page. By default only this computer can open it."""

    def validate(self) -> None:
        """Refuse nothing yet: the name, the port and the address are looked up when they are used."""
