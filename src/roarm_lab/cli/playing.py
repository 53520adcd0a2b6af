"""Playing as the command line does it: bundle and task put together, then live, filmed or exported."""

import sys
from pathlib import Path

from roarm_lab.cli.evaluating import checked_task, say_drift
from roarm_lab.cli.play import EXPORTED_EPISODES, FILMED_EPISODES, LIVE_EPISODES, PlayArguments
from roarm_lab.cli.training import progress_bar
from roarm_lab.core.files import new_file
from roarm_lab.envs.randomization import load_randomization
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.view.live import LivePage
from roarm_lab.view.replay import record, write_replay
from roarm_lab.view.serving import EVERYWHERE, Server, address, serving, tunnel
from roarm_lab.view.stage import Stage
from roarm_lab.view.video import refuse_unfit, write_video


def play(arguments: PlayArguments) -> None:
    """Show what was asked for.

    Raises:
        BadInputError: The bundle, a file or the port can not be used; nothing has been written then.
        MissingError: What a film needs is not installed.
    """
    file = arguments.domain_randomization
    randomization = None if file is None else load_randomization(file)
    bundle = load_bundle(arguments.bundle)
    config, drift = checked_task(bundle, allow_drift=arguments.allow_drift, randomization=randomization)
    export, video = arguments.export, arguments.video
    if video is not None:
        refuse_unfit(video)
    files = [path for path in (export, video) if path is not None]
    for path in sorted(files, key=lambda path: not path.parent.is_dir()):  # a refusal comes before a folder is made
        new_file(path, arguments.overwrite)
    say_drift(drift)
    with Stage(bundle.policy.infer, config, arguments.seed) as stage:
        if export is not None:
            _export(stage, bundle, export, arguments)
        if video is not None:
            _film(stage, bundle, video, arguments)
        if export is None and video is None:
            _live(stage, bundle, arguments)


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


def _live(stage: Stage, bundle: Bundle, arguments: PlayArguments) -> None:
    with serving(arguments.host, arguments.port, f"RoArm Lab: {stage.config.task}") as server:
        page = LivePage(server, stage, f"{_title(stage)}  \n{_about(bundle, arguments)}")
        say_where(arguments.host, server)
        page.run(arguments.episodes or LIVE_EPISODES, once=arguments.once)


def _export(stage: Stage, bundle: Bundle, path: Path, arguments: PlayArguments) -> None:
    episodes = arguments.episodes or EXPORTED_EPISODES
    with progress_bar("playing", episodes) as update:
        replay = record(stage, episodes, title=_title(stage), about=_about(bundle, arguments), progress=update)
    sys.stdout.write(f"{write_replay(replay, path, overwrite=arguments.overwrite)}\n")


def _film(stage: Stage, bundle: Bundle, path: Path, arguments: PlayArguments) -> None:
    episodes = arguments.episodes or FILMED_EPISODES
    with progress_bar("filming", episodes) as update:
        write_video(stage, episodes, path, title=_title(stage), overwrite=arguments.overwrite, progress=update)
    sys.stdout.write(f"{path}\n")


def _title(stage: Stage) -> str:
    return f"{stage.config.task} with the {stage.config.robot.title}"


def _about(bundle: Bundle, arguments: PlayArguments) -> str:
    network = bundle.contract.provenance.get("hashes", {}).get("policy", "")
    worlds = ", worlds that differ" if arguments.domain_randomization else ""
    return f"policy {str(network)[:12]}, simulated{worlds}, seed {arguments.seed}"
