"""Reporting as the command line does it: the policy of a run played again, and everything written as one page."""

from pathlib import Path

from rich.console import Console

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_file
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.runs.run_reader import RunFiles, read_run
from roarm_lab.view.report import NAME, write_report
from roarm_lab.view.report_media import Watched, watch
from roarm_lab.workflows.evaluation.evaluate import checked_task
from roarm_lab.workflows.learning.train import randomization_of_run


def report(run: Path, out: Path | None = None, *, overwrite: bool = True) -> Path:
    """Write the report of a run and return its path.

    Raises:
        BadInputError: It is no run folder, a file in it is damaged, or the report can not be written.
    """
    files = read_run(run)
    new_file(run / NAME if out is None else out, overwrite)  # a refusal comes before the work
    with Console(stderr=True).status("playing the evaluation again for pictures and the replay ..."):
        return write_report(run, out, overwrite=overwrite, watched=_watched(files))


def _watched(run: RunFiles) -> Watched | None:
    """Return what there is to see of the evaluation; None before there is one."""
    if run.evaluation is None or run.contract is None or run.stale:
        return None
    try:
        bundle = load_bundle(run.path)
        randomization = randomization_of_run(dict(run.meta.data))
        config, _ = checked_task(bundle, allow_drift=False, randomization=randomization)
        return watch(bundle.policy.infer, config, run.evaluation)
    except BadInputError as error:
        return Watched(trouble=f"The policy could not be played again for pictures and a replay. {error}")
