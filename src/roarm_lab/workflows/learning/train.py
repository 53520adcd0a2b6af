"""Training as the command line does it: settings put together, progress shown, the result said in words."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from roarm_lab.cli.learning.train import TrainArguments, checked, resume_hint
from roarm_lab.core.configs import load_yaml, override, restored
from roarm_lab.core.errors import BadInputError, DiskError
from roarm_lab.core.folder_lock import locked
from roarm_lab.core.shown import shell_words, shown
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.interface import hashes_of
from roarm_lab.envs.randomization import DomainRandomization, load_randomization, randomized
from roarm_lab.evaluation.engine_faults import overflow_in_words
from roarm_lab.evaluation.evaluate import Evaluation
from roarm_lab.rl.process_group import ALONE, ProcessGroup
from roarm_lab.rl.settings import changed_settings, settings_of
from roarm_lab.rl.trainer import algorithm_of, check_together, name_of, trainer_class, trainer_for
from roarm_lab.runs.run_meta import check_whole
from roarm_lab.sim.table import check_backend
from roarm_lab.tasks.table import get_task

if TYPE_CHECKING:
    from roarm_lab.rl.train import Trained
    from roarm_lab.rl.train_job import TrainJob
    from roarm_lab.rl.training_log import Progress as TrainingProgress
    from roarm_lab.runs.run_folder import RunFolder

LINE_EVERY_S = 10.0
"""Without a terminal, progress is one line this often."""


def run_training(
    arguments: TrainArguments,
    command: tuple[str, ...],
    team: ProcessGroup = ALONE,
    hint: Callable[[Path, int], str] = resume_hint,
) -> "Trained":
    """Train as asked, with progress on stderr; in a team this is the first process.

    `hint` makes the command that goes on with a run, in so many processes, when training was interrupted.

    Raises:
        BadInputError: The arguments make no sense, or another process trains this run; nothing has been written then.
        BrokenLearningError: The policy's numbers became infinite or NaN.
        ImportError: The trainer's library is not installed; nothing has been written then.
        MissingError: PyTorch is not installed, or has no CUDA where it was asked for; nothing has been written either.
        DiskError: The run can not be written any more. What was saved, and how to go on, is said.
        KeyboardInterrupt: Ctrl-C. How to go on has been said.
    """
    checked(arguments)
    threads_wait_passively()
    from roarm_lab.evaluation.rollout_recorder import LearningRecorder
    from roarm_lab.rl.tracking import remote_log
    from roarm_lab.rl.train import train
    from roarm_lab.runs.run_folder import RunFolder

    job, run = asked_job(arguments, command, team.size)
    remote = remote_log(arguments.wandb, run)
    _join(job, team)
    new = run is None
    if run is None:
        run = RunFolder.create(arguments.runs, job.env.task, job.seed)
    sys.stderr.write(f"run folder  {shown(run.path)}\n")
    watch = LearningRecorder(on_the_cpu(job.env), run.path / "rollouts") if arguments.record_callback_rollouts else None
    total, episodes = job.settings.total_timesteps, job.evaluation_episodes
    try:
        with _alone(run, team), remote(run, job) as told, progress_bar("training", total) as update:
            trained = train(
                job,
                run,
                resume=arguments.resume is not None,
                report=lambda state: update(state.steps, _state_in_words(state)),
                evaluating=lambda done: update(total, f"evaluating {done}/{episodes}"),
                watch=watch,
                note=told.row,
                say=lambda text: sys.stderr.write(f"roarm: {text}\n"),
            )
            told.result(trained.evaluation)
            return trained
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{_how_to_go_on(run, hint(run.path, team.size))}\n")
        raise
    except DiskError as error:
        raise DiskError(f"{error} Training has {_how_to_go_on(run, hint(run.path, team.size))}") from error
    except BadInputError:
        if new and not run.curve.exists():
            shutil.rmtree(run.path, ignore_errors=True)  # refused before anything was learned
        raise


@contextmanager
def _alone(run: "RunFolder", team: ProcessGroup) -> Generator[None]:
    """Keep other trainings from the run, and save when this one is told to end; a team sees to the latter itself."""
    from roarm_lab.rl.train import terminate_is_interrupt

    with locked(run.path, "is being trained"), nullcontext() if team.several else terminate_is_interrupt():
        yield


def asked_job(
    arguments: TrainArguments, command: tuple[str, ...], processes: int
) -> "tuple[TrainJob, RunFolder | None]":
    """Return what to train, and the run to go on with; nothing is written.

    Raises:
        BadInputError: The arguments make no sense.
        ImportError: The trainer's library is not installed.
        MissingError: PyTorch is not installed, or has no CUDA or too few GPUs where they were asked for.
    """
    from roarm_lab.rl.distributed import check_gpus
    from roarm_lab.rl.train import device_of

    if arguments.gpus not in (1, processes):
        raise BadInputError(f"--gpus {arguments.gpus}, but torchrun started {processes} processes; leave --gpus out.")
    job, run = resumed_job(arguments, command) if arguments.resume else (new_job(arguments, command, processes), None)
    check_together(job.trainer, job.settings.algorithm, processes)
    device = device_of(job.device, job.env)
    if processes > 1:
        check_gpus(device, processes)
    trainer_class(job.trainer, job.settings.algorithm)
    return job, run


def train_for_another(arguments: TrainArguments, team: ProcessGroup) -> None:
    """Train in a process beside the first one, which alone writes and says what comes out.

    Raises:
        BadInputError, ImportError, MissingError: As `run_training`.
        KeyboardInterrupt: A process was asked to stop.
    """
    threads_wait_passively()
    from roarm_lab.rl.train import newest_checkpoint, train_beside

    job, run = asked_job(arguments, (), team.size)
    checkpoint = None if run is None else newest_checkpoint(run)  # before the first process adds one
    _join(job, team)
    train_beside(job, checkpoint)


def _join(job: "TrainJob", team: ProcessGroup) -> None:
    """Meet the team, and see that the simulator can be made in every process before anything is written in one."""
    from roarm_lab.rl.distributed import anybody, join
    from roarm_lab.rl.train import device_of, own_share

    join(team, team.device(device_of(job.device, job.env)))
    check_backend(job.env.robot, job.settings.num_envs, own_share(job.env, team).sim)
    anybody(False)


def threads_wait_passively() -> None:
    """Keep torch's threads from spinning while they wait, on the cores that the simulation needs then.

    Has an effect only before torch is imported for the first time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def print_result(trained: "Trained") -> None:
    """Say how good the policy is and what to do with it."""
    bundle = shell_words([trained.bundle.path])
    worlds = ""
    if trained.randomization is not None:
        worlds = f" --domain-randomization {shell_words([trained.run.path / 'domain_randomization.yaml'])}"
    sys.stdout.write(
        f"{summary(trained.evaluation)}\n"
        f"bundle      {shown(trained.bundle.path)}\n"
        f"evaluate    roarm eval {bundle} --episodes 2000{worlds}\n"
        f"run it      roarm run {bundle} --arm sim\n"
    )


def _state_in_words(state: "TrainingProgress") -> str:
    success = "-" if state.success is None else f"{state.success:.0%}"
    return f"{state.steps_per_s:,.0f} steps/s, success so far {success}"


def _how_to_go_on(run: "RunFolder", command: str) -> str:
    """Return what was saved when training was interrupted, and the command that goes on from there."""
    saved = run.checkpoints()
    if not saved:
        return f"stopped before anything was saved; {shown(run.path)} can be deleted."
    return f"stopped; saved at {int(saved[-1].name):,} steps. Go on with: {command}"


def summary(evaluation: Evaluation) -> str:
    """Return the success rate with its interval in one line, and in another one what the simulator left out."""
    low, high = evaluation.interval
    lost = overflow_in_words(evaluation.overflows, evaluation.episodes)
    line = (
        f"success     {evaluation.success_rate:.1%} [{low:.1%}, {high:.1%}]  "
        f"({evaluation.successes} of {evaluation.episodes} episodes, 95 % interval)"
    )
    return line if lost is None else f"{line}\ncontacts    {lost}"


@contextmanager
def progress_bar(what: str, total: int) -> Generator[Any]:
    """Yield a function (done, text) that shows progress with a bar, or line by line where there is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total, text="")
        yield lambda done, text="": bar.update(task, completed=done, text=text)


def _lines(what: str, total: int) -> Any:
    """Return a function (done, text) that writes a line now and then; the first call says what was done before."""
    began_s = last_s = time.monotonic()
    first: int | None = None

    def line(done: int, text: str = "") -> None:
        nonlocal last_s, first
        now_s = time.monotonic()
        first = done if first is None else first
        if now_s - last_s >= LINE_EVERY_S:
            last_s = now_s
            left_s = (now_s - began_s) * (total - done) / max(done - first, 1)
            left = f"about {left_s:.0f} s left" if first < done < total else ""
            parts = (f"{what} {done:,}/{total:,} ({done / total:.0%})", left, text)
            with suppress(OSError):  # nobody reads it any more: no reason to stop
                sys.stderr.write(", ".join(part for part in parts if part) + "\n")

    return line


def new_job(arguments: TrainArguments, command: tuple[str, ...], processes: int = 1) -> "TrainJob":
    """Return the training that is asked for.

    Raises:
        BadInputError: It can not be; nothing has been written.
    """
    from roarm_lab.rl.train_job import TrainJob

    env = with_rewards(get_task(str(arguments.task)), arguments)
    randomization = None
    if arguments.domain_randomization is not None:
        randomization = load_randomization(arguments.domain_randomization)
        env = randomized(env, randomization)
    env = simulated(env, arguments.backend or "mujoco_cpu", arguments.device, arguments.threads)
    usual = "rsl_rl" if processes > 1 and arguments.algorithm == "ppo" else None
    trainer = trainer_for(arguments.trainer or usual, env.sim.backend, arguments.algorithm)
    tuned = settings_of(
        arguments.algorithm,
        env.task,
        randomized=randomization is not None,
        trainer=trainer,
        device="cpu" if env.sim.backend == "mujoco_cpu" else "cuda",
    )
    if arguments.hyperparameters is not None:
        tuned = changed_settings(tuned, arguments.hyperparameters, trainer)
    settings = replace(
        tuned,
        num_envs=tuned.num_envs if arguments.num_envs is None else arguments.num_envs,
        total_timesteps=tuned.total_timesteps if arguments.total_timesteps is None else arguments.total_timesteps,
    )
    return TrainJob(
        env=env,
        randomization=randomization,
        settings=settings,
        seed=arguments.seed,
        trainer=trainer,
        device=arguments.device,
        evaluation_episodes=arguments.eval_episodes,
        command=command,
    )


def simulated(env: EnvConfig, backend: str, device: str, threads: int) -> EnvConfig:
    """Return the task in a simulator; device auto is a GPU where the simulator knows one."""
    where = env.sim.device if device == "auto" else device
    return replace(env, sim=replace(env.sim, backend=backend, device=where, threads=threads))


def on_the_cpu(env: EnvConfig) -> EnvConfig:
    """Return the task in the simulator from whose worlds recordings are made."""
    return replace(env, sim=replace(env.sim, backend="mujoco_cpu"))


def with_rewards(env: EnvConfig, arguments: TrainArguments) -> EnvConfig:
    """Return the task with the changes of `--reward-config`.

    Raises:
        BadInputError: The file or a change in it can not be used.
    """
    path = arguments.reward_config
    if path is None:
        return env
    rewards, scene = override(env.rewards, load_yaml(path), str(path)), env.scene()
    for name, term in rewards.items():
        try:
            term.bind(scene)  # a name that does not exist is found here, before anything is written
        except BadInputError as error:
            raise BadInputError(f"{path}: {name}: {error}") from None
    return replace(env, rewards=rewards)


def resumed_job(arguments: TrainArguments, command: tuple[str, ...]) -> "tuple[TrainJob, RunFolder]":
    """Return the training that `arguments.resume` began, and its folder.

    Raises:
        BadInputError: It can not go on, or has finished.
    """
    from roarm_lab.rl.train import newest_checkpoint
    from roarm_lab.runs.run_folder import RunFolder

    assert arguments.resume is not None
    run = RunFolder.open(arguments.resume)
    meta = run.meta()
    check_whole(meta, str(run.path / "meta.json"))
    try:
        job = _job_of(meta, arguments, command)
        same = hashes_of(job.env) == meta["hashes"]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{run.path / 'meta.json'} is damaged: {error!r}.") from error
    if not same:
        raise BadInputError(f"The task {job.env.task!r} has changed since {run.path} was started; train it anew.")
    newest_checkpoint(run)
    done = int(run.checkpoints()[-1].name)
    if done >= job.settings.total_timesteps and run.is_finished():
        raise BadInputError(
            f"{run.path} has finished its {done:,} steps. To train longer, add --total-timesteps with a larger number."
        )
    return job, run


def _job_of(meta: dict[str, Any], arguments: TrainArguments, command: tuple[str, ...]) -> "TrainJob":
    """Return the job that `meta.json` describes, with what may be changed on the way."""
    from roarm_lab.rl.train_job import TrainJob

    env = get_task(meta["task"])
    env = replace(env, rewards=restored(env.rewards, meta["env"]["rewards"], "meta.json: rewards"))
    sim = meta["env"]["sim"]
    env = simulated(env, sim.get("backend", "mujoco_cpu"), sim.get("device", "auto"), arguments.threads)
    randomization = randomization_of_run(meta)
    if randomization is not None:
        env = randomized(env, randomization)
    label = meta.get("trainer", "sb3-ppo")  # runs from before there were others do not say it
    tuned = settings_of(algorithm_of(label), env.task, randomized=randomization is not None)
    settings = restored(tuned, meta["settings"], "meta.json: settings")
    if arguments.total_timesteps is not None:
        settings = replace(settings, total_timesteps=arguments.total_timesteps)
    return TrainJob(
        env=env,
        randomization=randomization,
        settings=settings,
        seed=override(0, meta["seed"], "meta.json: seed"),
        trainer=name_of(label),
        device=override("", meta["device"], "meta.json: device"),
        evaluation_episodes=override(0, meta["evaluation_episodes"], "meta.json: evaluation_episodes"),
        command=command,
    )


def randomization_of_run(meta: dict[str, Any]) -> DomainRandomization | None:
    """Return the domain randomisation that `meta.json` describes; None without any."""
    kept = meta.get("randomization")
    if not kept:
        return None
    return restored(DomainRandomization(), kept["config"], "meta.json: randomization")
