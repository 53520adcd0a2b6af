"""Watch a policy at work: bundle and task put together, then live, filmed or exported."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roarm_lab.core.errors import InvalidValueError
from roarm_lab.core.files import new_file
from roarm_lab.datasets.recordings import find_recordings
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.tasks.table import task_called
from roarm_lab.view.live_page import LivePage
from roarm_lab.view.recorded_show import RecordedShow
from roarm_lab.view.replay import record, write_replay
from roarm_lab.view.serving import serving
from roarm_lab.view.show import PolicyShow, Show
from roarm_lab.view.video import refuse_unfit, write_video
from roarm_lab.workflows.evaluation.evaluate import task_in_worlds, tell_circumstances
from roarm_lab.workflows.evaluation.play_request import PlayRequest, PlayResult
from roarm_lab.workflows.evaluation.worlds import Worlds
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Progress, end_if_cancelled
from roarm_lab.workflows.live_pages import tell_where

LIVE_EPISODES, EXPORTED_EPISODES, FILMED_EPISODES = 20, 20, 5


def play(request: PlayRequest, frontend: Frontend = UNATTENDED) -> PlayResult:
    """Show what was asked for; live until the front end cancels, or with `once` until the episodes are over.

    Args:
        request: What to watch, and how.
        frontend: Hears where the live page is, or how far the file is.

    Raises:
        BadInputError: The bundle, a recording, a file or the port can not be used; nothing has been written then.
        CancelledError: The front end cancelled before a file was whole; it was not written.
        MissingError: What a film needs is not installed.
    """
    request.validate()
    if request.video is not None:
        refuse_unfit(request.video)
    if request.rollouts:
        return _play_recorded(request, frontend)
    bundle = load_bundle(request.bundle or shipped_bundle())
    config, drift, worlds = task_in_worlds(bundle, request.domain_randomization, allow_drift=request.allow_drift)
    _refuse_taken(request)
    tell_circumstances(frontend, drift, worlds)
    with PolicyShow(bundle.policy.infer, config, request.seed) as stage:
        return _show(stage, _about(bundle, worlds, request.seed), request, frontend)


def _play_recorded(request: PlayRequest, frontend: Frontend) -> PlayResult:
    assert request.bundle is not None
    recordings = find_recordings(request.bundle)
    show = RecordedShow(recordings, task_called(str(recordings[0].about.get("task"))), request.episode)
    try:
        if request.episodes is not None and request.episodes > len(show):
            raise InvalidValueError("episodes", request.episodes, f"must be 1 to {len(show)}, as many are to be shown")
        _refuse_taken(request)
        about = f"recorded in {request.bundle}"
        return _show(show, about, replace(request, episodes=request.episodes or len(show)), frontend)
    finally:
        show.close()


def _refuse_taken(request: PlayRequest) -> None:
    """Refuse files that exist, before any work; a refusal comes before a folder is made."""
    files = [path for path in (request.export, request.video) if path is not None]
    for path in sorted(files, key=lambda path: not path.parent.is_dir()):
        new_file(path, request.overwrite)


def _show(stage: Show, about: str, request: PlayRequest, frontend: Frontend) -> PlayResult:
    written = PlayResult(
        export=_export(stage, about, request.export, request, frontend) if request.export else None,
        video=_film(stage, request.video, request, frontend) if request.video else None,
    )
    if request.export is None and request.video is None:
        with serving(request.host, request.port, f"RoArm Lab: {stage.config.name}") as server:
            page = LivePage(server, stage, f"{_title(stage)}  \n{about}")
            tell_where(frontend, stage.config.name, request.host, server)
            page.run(request.episodes or LIVE_EPISODES, once=request.once, cancelled=frontend.cancelled)
    return written


def _export(stage: Show, about: str, path: Path, request: PlayRequest, frontend: Frontend) -> Path:
    episodes = request.episodes or EXPORTED_EPISODES
    progress = _progress(frontend, "playing", episodes)
    replay = record(stage, episodes, title=_title(stage), about=about, progress=progress)
    return write_replay(replay, path, overwrite=request.overwrite)


def _film(stage: Show, path: Path, request: PlayRequest, frontend: Frontend) -> Path:
    episodes = request.episodes or FILMED_EPISODES
    progress = _progress(frontend, "filming", episodes)
    write_video(stage, episodes, path, title=_title(stage), overwrite=request.overwrite, progress=progress)
    return path


def _progress(frontend: Frontend, stage: str, total: int) -> Callable[[int], None]:
    def progress(done: int) -> None:
        frontend.tell(Progress(stage=stage, done=done, total=total))
        end_if_cancelled(frontend)

    return progress


def _title(stage: Show) -> str:
    return f"{stage.config.name} with the {stage.config.robot.title}"


def _about(bundle: Bundle, worlds: Worlds, seed: int) -> str:
    network = bundle.contract.provenance.get("hashes", {}).get("policy", "")
    differ = ", worlds that differ" if worlds.randomization else ""
    return f"policy {str(network)[:12]}, simulated{differ}, seed {seed}"
