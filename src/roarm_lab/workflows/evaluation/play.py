"""Playing as the command line does it: bundle and task put together, then live, filmed or exported."""

import sys
from dataclasses import replace
from pathlib import Path

from roarm_lab.cli.evaluation.play import EXPORTED_EPISODES, FILMED_EPISODES, LIVE_EPISODES, PlayArguments
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_file
from roarm_lab.core.shown import shown
from roarm_lab.datasets.recordings import find_recordings
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.tasks.table import get_task
from roarm_lab.view.live_page import LivePage
from roarm_lab.view.recorded_show import RecordedShow
from roarm_lab.view.replay import record, write_replay
from roarm_lab.view.serving import EVERYWHERE, Server, address, serving, tunnel
from roarm_lab.view.stage import Show, Stage
from roarm_lab.view.video import refuse_unfit, write_video
from roarm_lab.workflows.evaluation.evaluate import say_drift, say_worlds, task_in_worlds
from roarm_lab.workflows.evaluation.worlds import Worlds
from roarm_lab.workflows.learning.train import progress_bar


def play(arguments: PlayArguments) -> None:
    """Show what was asked for.

    Raises:
        BadInputError: The bundle, a recording, a file or the port can not be used; nothing has been written then.
        MissingError: What a film needs is not installed.
    """
    if arguments.video is not None:
        refuse_unfit(arguments.video)
    if arguments.rollouts:
        _play_recorded(arguments)
        return
    bundle = load_bundle(arguments.bundle or shipped_bundle())
    config, drift, worlds = task_in_worlds(bundle, arguments.domain_randomization, allow_drift=arguments.allow_drift)
    _refuse_taken(arguments)
    say_drift(drift)
    say_worlds(worlds)
    with Stage(bundle.policy.infer, config, arguments.seed) as stage:
        _show(stage, _about(bundle, worlds, arguments.seed), arguments)


def _play_recorded(arguments: PlayArguments) -> None:
    assert arguments.bundle is not None
    recordings = find_recordings(arguments.bundle)
    show = RecordedShow(recordings, get_task(str(recordings[0].about.get("task"))), arguments.episode)
    try:
        if arguments.episodes is not None and arguments.episodes > len(show):
            raise BadInputError(
                f"--episodes must be 1 to {len(show)}, as many are to be shown; got {arguments.episodes}."
            )
        _refuse_taken(arguments)
        about = f"recorded in {arguments.bundle}"
        _show(show, about, replace(arguments, episodes=arguments.episodes or len(show)))
    finally:
        show.close()


def _refuse_taken(arguments: PlayArguments) -> None:
    """Refuse files that exist, before any work; a refusal comes before a folder is made."""
    files = [path for path in (arguments.export, arguments.video) if path is not None]
    for path in sorted(files, key=lambda path: not path.parent.is_dir()):
        new_file(path, arguments.overwrite)


def _show(stage: Show, about: str, arguments: PlayArguments) -> None:
    if arguments.export is not None:
        _export(stage, about, arguments.export, arguments)
    if arguments.video is not None:
        _film(stage, arguments.video, arguments)
    if arguments.export is None and arguments.video is None:
        _live(stage, about, arguments)


def say_where(host: str, server: Server) -> None:
    """Print what to do to see a live page."""
    port = server.get_port()
    lines = [f"open        {address(host, port)}"]
    if host in EVERYWHERE:
        lines.append("careful     every computer that can reach this one can open the page and press its buttons")
    else:
        lines.append(f"from afar   {tunnel(port)}\n            then open http://localhost:{port} there")
    sys.stdout.write("\n".join((*lines, "stop        Ctrl-C")) + "\n")
    sys.stdout.flush()


def _live(stage: Show, about: str, arguments: PlayArguments) -> None:
    with serving(arguments.host, arguments.port, f"RoArm Lab: {stage.config.task}") as server:
        page = LivePage(server, stage, f"{_title(stage)}  \n{about}")
        say_where(arguments.host, server)
        page.run(arguments.episodes or LIVE_EPISODES, once=arguments.once)


def _export(stage: Show, about: str, path: Path, arguments: PlayArguments) -> None:
    episodes = arguments.episodes or EXPORTED_EPISODES
    with progress_bar("playing", episodes) as update:
        replay = record(stage, episodes, title=_title(stage), about=about, progress=update)
    sys.stdout.write(f"{shown(write_replay(replay, path, overwrite=arguments.overwrite))}\n")


def _film(stage: Show, path: Path, arguments: PlayArguments) -> None:
    episodes = arguments.episodes or FILMED_EPISODES
    with progress_bar("filming", episodes) as update:
        write_video(stage, episodes, path, title=_title(stage), overwrite=arguments.overwrite, progress=update)
    sys.stdout.write(f"{shown(path)}\n")


def _title(stage: Show) -> str:
    return f"{stage.config.task} with the {stage.config.robot.title}"


def _about(bundle: Bundle, worlds: Worlds, seed: int) -> str:
    network = bundle.contract.provenance.get("hashes", {}).get("policy", "")
    differ = ", worlds that differ" if worlds.randomization else ""
    return f"policy {str(network)[:12]}, simulated{differ}, seed {seed}"
