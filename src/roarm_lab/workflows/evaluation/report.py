"""Write what a run has achieved as one page; its policy is played again for pictures and a replay."""

from collections.abc import Callable

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_file
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.runs.run_reader import RunFiles, read_run
from roarm_lab.view.report import NAME
from roarm_lab.view.report import write_report as write_page
from roarm_lab.view.report_media import ReportMedia, record_media
from roarm_lab.workflows.bundle_check import check_task
from roarm_lab.workflows.evaluation.report_request import ReportRequest, ReportResult
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Progress, end_if_cancelled
from roarm_lab.workflows.learning.train_job import randomization_of_run


def write_report(
    request: ReportRequest, frontend: Frontend = UNATTENDED, *, typed: Callable[[str], str] = str
) -> ReportResult:
    """Write the report of a run and return where it is.

    Args:
        request: Of which run, and where to.
        frontend: Hears that it takes a while.
        typed: Writes calls such as `train(resume='runs/a')` as the readers of the page type them.

    Raises:
        BadInputError: It is no run folder, a file in it is damaged, or the report can not be written.
        CancelledError: The front end cancelled; nothing was written.
    """
    request.validate()
    overwrite = request.out is None or request.overwrite
    files = read_run(request.run)
    new_file(request.run / NAME if request.out is None else request.out, overwrite)  # a refusal comes before the work
    frontend.tell(Progress(stage="playing the evaluation again for pictures and the replay", done=0, total=1))
    watched = _watched(files)
    end_if_cancelled(frontend)
    return ReportResult(page=write_page(request.run, request.out, overwrite=overwrite, watched=watched, typed=typed))


def _watched(run: RunFiles) -> ReportMedia | None:
    """Return what there is to see of the evaluation; None before there is one."""
    if run.evaluation is None or run.contract is None or run.stale:
        return None
    try:
        bundle = load_bundle(run.path)
        randomization = randomization_of_run(dict(run.meta.data))
        config, _ = check_task(bundle, allow_drift=False, randomization=randomization)
        return record_media(bundle.policy.infer, config, run.evaluation)
    except BadInputError as error:
        return ReportMedia(trouble=f"The policy could not be played again for pictures and a replay. {error}")
