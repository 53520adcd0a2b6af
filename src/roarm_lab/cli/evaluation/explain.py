"""`roarm explain`: what is wrong with a training run, in words."""

import json
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.core.shown import shown_text
from roarm_lab.workflows.evaluation.explain_request import ExplainRequest

if TYPE_CHECKING:
    from roarm_lab.workflows.evaluation.explain import Explanation

DESCRIPTION = """\
  Say in words what is wrong with a training run, with what was measured and
  what to change. Reads the curve and runs the policy for some episodes; a run
  without a policy is explained from its curve alone. Needs no PyTorch.

examples:
  roarm explain runs/RUN           in words
  roarm explain runs/RUN --json    for programs

exit codes: 0 nothing wrong was found, 1 something was, 2 bad input"""


WIDTH, INDENT = 100, 12


@dataclass(frozen=True, kw_only=True)
class ExplainArguments(ExplainRequest):
    """What to explain."""

    run: Annotated[Path, tyro.conf.Positional]
    """A run folder, as `roarm train` makes them."""
    json: bool = False
    """Print the result as JSON."""


def run(argv: list[str]) -> int:
    """Explain; exit code 1 when something wrong was found."""
    request = parse(ExplainArguments, argv, prog="roarm explain", description=DESCRIPTION)
    request.validate()
    from roarm_lab.workflows.evaluation.explain import explain

    with terminal() as frontend:
        found = explain(request, frontend)
    text = json.dumps(found.to_plain(), indent=2, allow_nan=False) + "\n" if request.json else in_words(found)
    sys.stdout.write(shown_text(as_typed(text)))
    return 1 if found.findings else 0


def in_words(found: "Explanation") -> str:
    """Return what is to be printed."""
    looked = f"{found.rollouts} rollouts of the training"
    if found.not_run is None:
        looked += f" and {found.episodes} episodes of the policy, {found.successes} of them successful"
    lines = [f"run         {found.run}", *_wrapped("looked at", looked)]
    if found.not_run is not None:
        lines += _wrapped("curve alone", f"The policy was not run: {found.not_run}")
    if not found.findings:
        lines.append("found       nothing wrong" + ("" if found.not_run is None else ", as far as the curve shows"))
    lines += [line for text in found.not_judged for line in _wrapped("not judged", text)]
    for finding in found.findings:
        lines += ["", f"found       {finding.name}"]
        lines += [*_wrapped("measured", finding.evidence), *_wrapped("change", finding.advice)]
    return "\n".join(lines) + "\n"


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        as_typed(text),
        width=WIDTH,
        initial_indent=label.ljust(INDENT),
        subsequent_indent=" " * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
