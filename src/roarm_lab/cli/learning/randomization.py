"""`roarm randomization`: what may differ from world to world, as a table; and whether a file of it is sound."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roarm_lab.cli.arguments import parse
from roarm_lab.core.configs import Range
from roarm_lab.core.shown import shown

if TYPE_CHECKING:
    from roarm_lab.envs.randomization import DomainRandomization

DESCRIPTION = """\
  Domain randomisation: worlds that differ from each other in mass, friction,
  delay and so on, so that a policy learns to cope with an arm that nobody has
  measured exactly. `roarm train TASK --domain-randomization FILE` trains with
  it; `default` instead of a file means the defaults. A file names what is to
  be other than the default.

examples:
  roarm randomization show                                          the defaults
  roarm randomization show my.yaml                                  what a file makes of them
  roarm randomization show --yaml > my.yaml                         a file to change
  roarm randomization check my.yaml                                 can it be used?

exit codes: 0 done, 2 bad input or a file that can not be used"""
COLUMNS = ("name", "from", "to", "unit", "what it does")


@dataclass(frozen=True)
class Show:
    """Show every quantity with its range, unit and meaning."""

    file: Annotated[Path | None, tyro.conf.Positional] = None
    """A YAML file; the defaults without one."""
    yaml: bool = False
    """Print it as a file that can be changed and given to `--domain-randomization`."""


@dataclass(frozen=True)
class Check:
    """Say whether a file can be used; exit code 2 and the reason if not."""

    file: Annotated[Path, tyro.conf.Positional]
    """The YAML file."""


Action = Annotated[Show, tyro.conf.subcommand("show")] | Annotated[Check, tyro.conf.subcommand("check")]


@dataclass(frozen=True)
class Randomization:
    """What to do."""

    action: tyro.conf.OmitSubcommandPrefixes[tyro.conf.OmitArgPrefixes[Action]]


def run(argv: list[str]) -> int:
    """Show or check; return 0."""
    action = parse(Randomization, argv or ["--help"], prog="roarm randomization", description=DESCRIPTION).action
    from roarm_lab.envs.randomization import DomainRandomization, load_randomization, randomization_yaml

    match action:
        case Show(file, yaml):
            wanted = DomainRandomization() if file is None else load_randomization(file)
            if yaml:
                print(randomization_yaml(wanted), end="")
                return 0
            Console(highlight=False).print(table(wanted))
        case Check(file):
            changed = _changed(load_randomization(file), DomainRandomization())
            print(f"{shown(file)} is sound; other than the default: {', '.join(changed) or 'nothing'}")
    return 0


def table(wanted: "DomainRandomization") -> Table:
    """Return one row per quantity; what lies at its nominal value is called off."""
    grid = Table(box=box.SIMPLE_HEAD)
    for title in COLUMNS:
        grid.add_column(title, justify="right" if title in ("from", "to") else "left", no_wrap=title in COLUMNS[:4])
    for row in rows(wanted):
        grid.add_row(*map(Text, row))
    return grid


def rows(wanted: "DomainRandomization") -> Iterable[tuple[str, ...]]:
    """Return name, from, to, unit and meaning of every quantity."""
    for entry in fields(wanted):
        value, unit = getattr(wanted, entry.name), entry.metadata["unit"]
        if isinstance(value, Range):
            off = value.low == value.high == (1.0 if unit == "factor" else 0.0)
            ends = ("off", "off") if off else (f"{value.low:g}", f"{value.high:g}")
        else:
            ends = ("off", "off") if value == 0.0 else ("", f"{value:g}")
        yield (entry.name, *ends, unit, entry.metadata["text"])


def _changed(wanted: "DomainRandomization", default: "DomainRandomization") -> list[str]:
    return [entry.name for entry in fields(wanted) if getattr(wanted, entry.name) != getattr(default, entry.name)]
