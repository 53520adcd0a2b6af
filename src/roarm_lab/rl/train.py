"""Train a policy: from a task to a run folder with a bundle."""

import os
import re
import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from roarm_lab.core.arrays import Float32
from roarm_lab.core.configs import to_plain
from roarm_lab.core.errors import BadInputError, DiskError, InvalidValueError, MissingError
from roarm_lab.core.files import write_atomic
from roarm_lab.core.memory_errors import memory_in_words
from roarm_lab.core.provenance import provenance, usable_cores
from roarm_lab.core.random_streams import seed_for
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.interface import hashes_of, physics_of
from roarm_lab.envs.randomization import DomainRandomization, drawn_in_words, randomization_yaml
from roarm_lab.evaluation.episode_player import Infer
from roarm_lab.evaluation.evaluate import Evaluation, evaluate
from roarm_lab.policies.bundle import Bundle, load_bundle, write_bundle
from roarm_lab.rl.distributed import StoppedTogether, TogetherLog, leave, present, stop_when_asked
from roarm_lab.rl.divergence import BrokenLearningError, breakdown_in_words, check_sound
from roarm_lab.rl.onnx_export import Mlp, mlp_to_onnx
from roarm_lab.rl.origin import contract_of, note_resumption
from roarm_lab.rl.process_group import ProcessGroup
from roarm_lab.rl.tensorboard_log import cut_tensorboard
from roarm_lab.rl.train_job import Note, TrainJob, Watch
from roarm_lab.rl.trainer import Log, Trainer, check_together, kind_of, trainer_class
from roarm_lab.rl.training_log import Logbook, Progress
from roarm_lab.runs.run_folder import EVALUATION, RANDOMIZATION, RunFolder
from roarm_lab.runs.run_meta import BROKE_DOWN

DEVICE = re.compile(r"cpu|cuda(:\d+)?")
TERMINATING = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came out."""

    run: RunFolder
    bundle: Bundle
    evaluation: Evaluation
    randomization: DomainRandomization | None = None


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training; everything up to `steps` is saved in `run`."""

    def __init__(self, run: RunFolder, steps: int) -> None:
        super().__init__(f"{run.path} at {steps} steps")
        self.run, self.steps = run, steps


def train(
    job: TrainJob,
    run: RunFolder,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    evaluating: Callable[[int], None] | None = None,
    watch: Watch | None = None,
    note: Note | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> Trained:
    """Train, export, evaluate; return run, bundle and evaluation.

    In a team of processes (`distributed.join`) this is what the first one does; the others call `train_beside`.

    Args:
        job: What to train.
        run: Where to keep it.
        resume: Go on from the newest checkpoint of `run`.
        report: Called after every rollout.
        evaluating: Called with the number of evaluated episodes.
        watch: Called with the policy as it is before the first step, after every tenth of the steps, and at the end.
        note: Called with every row of the curve.
        say: Called once, in words, when the simulator begins to leave contacts out.

    Raises:
        BadInputError: A checkpoint is damaged, or there is none to resume, or the memory is too small.
        BrokenLearningError: The policy's numbers became infinite or NaN; such a policy is not saved.
        DiskError: The run can not be written any more; the checkpoints that it has are kept.
        ImportError: The trainer's library is not installed.
        MissingError: CUDA was asked for and is not there.
        TrainingInterrupted: Ctrl-C; saved.
    """
    env = _worlds(job)
    try:
        if resume:
            checkpoint = newest_checkpoint(run)
        else:
            checkpoint = None
            run.write_json("meta.json", {**_meta(job), "randomization": _randomization(job, run, env)})
        with _writing(run):
            trainer = _trainer(job, env, checkpoint, run.path / "tensorboard")
            if checkpoint is not None:
                run.cut_curve(trainer.steps)
                cut_tensorboard(run.path / "tensorboard", trainer.steps)
                if trainer.steps < job.settings.total_timesteps:
                    note_resumption(run, trainer.steps)
            try:
                _learn(job, run, env, trainer, report=report, watch=watch, note=note, say=say)
            except BrokenLearningError as error:
                run.write_json("meta.json", {**run.meta(), BROKE_DOWN: error.steps})
                raise
        onnx = mlp_to_onnx(trainer.network_of(), env.observations["actor"].sizes)
    finally:
        env.close()
    with _writing(run):
        return _evaluated(job, run, onnx, evaluating)


def train_beside(job: TrainJob, checkpoint: Path | None) -> None:
    """Train with worlds of this process what `train` keeps in the first one of the team. Nothing is written here.

    Args:
        job: The same as there.
        checkpoint: From where training goes on, if it does.

    Raises:
        BadInputError: The checkpoint is damaged.
        StoppedTogether: A process of the team was asked to stop.
    """
    env = _worlds(job)
    try:
        trainer = _trainer(job, env, checkpoint, None)
        with _interruptible(None) as log, breakdown_in_words(trainer):
            trainer.learn(job.settings.total_timesteps, log)
        leave()
    except StoppedTogether:
        leave()
        raise
    finally:
        env.close()


def _worlds(job: TrainJob) -> Env:
    """Return the worlds of this process."""
    # More torch threads than this only wait for each other with networks of this size.
    torch.set_num_threads(min(2, torch.get_num_threads()))
    team = present()
    return Env(replace(own_share(job.env, team), random_age=True), job.settings.num_envs, seed=team.seed(job.seed))


def own_share(env: EnvConfig, team: ProcessGroup) -> EnvConfig:
    """Return the task as this process of a team simulates it: on its own GPU, or with its share of the cores."""
    threads = team.threads(env.sim.threads, usable_cores())
    return replace(env, sim=replace(env.sim, device=team.device(env.sim.device), threads=threads))


def _trainer(job: TrainJob, env: Env, checkpoint: Path | None, events: Path | None) -> Trainer:
    """Return what learns in this process, and goes on from a checkpoint if there is one."""
    team, start = present(), trainer_class(job.trainer, job.settings.algorithm)
    check_together(job.trainer, job.settings.algorithm, team.size)
    device = team.device(device_of(job.device, job.env))
    sizes = f"{job.settings.num_envs:,} worlds, rollouts of {job.settings.rollout_steps:,} steps"
    with memory_in_words(f"{sizes} and layers of {job.settings.hidden}"):
        trainer = start(env, job.settings, seed=team.seed(job.seed), device=device, events=events)
    if checkpoint is not None:
        _resume(trainer, checkpoint)
        env.total_steps = trainer.steps  # a curriculum goes on too
    return trainer


def _resume(trainer: Trainer, checkpoint: Path) -> None:
    """Go on from a checkpoint; of a damaged one, say what else there is."""
    try:
        trainer.resume(checkpoint)
    except BadInputError as error:
        older = [path.name for path in RunFolder(checkpoint.parents[1]).checkpoints() if path.name < checkpoint.name]
        hint = f"Delete this folder to go on from the one of {int(older[-1]):,} steps." if older else "Train anew."
        raise BadInputError(f"{error} {hint}") from error


def _evaluated(job: TrainJob, run: RunFolder, onnx: bytes, evaluating: Callable[[int], None] | None) -> Trained:
    """Write the bundle, evaluate it, and write what came out."""
    contract = contract_of(job, run)
    run.forget_evaluation()  # of an earlier policy, if training went on
    bundle = load_bundle(write_bundle(run.bundle, onnx, contract, overwrite=True))
    evaluation = evaluate(
        bundle.policy.infer,
        job.env,
        episodes=job.evaluation_episodes,
        seed=seed_for(job.seed, "evaluation"),
        progress=evaluating,
    )
    run.write_json(EVALUATION, evaluation.to_plain())
    bundle = load_bundle(
        write_bundle(run.bundle, onnx, replace(contract, evaluation=evaluation.to_plain()), overwrite=True)
    )
    return Trained(run=run, bundle=bundle, evaluation=evaluation, randomization=job.randomization)


def device_of(name: str, env: EnvConfig) -> str:
    """Return where networks learn, cpu, cuda or cuda:1, ...; auto is where the simulator has its arrays.

    Raises:
        BadInputError: The name is none of these.
        MissingError: CUDA was asked for and is not there.
    """
    if name == "auto":
        name = "cpu" if env.sim.backend == "mujoco_cpu" else env.sim.device
    if not DEVICE.fullmatch(name):
        raise InvalidValueError("device", repr(name), "must be auto, cpu, cuda or cuda:1, ...")
    # A simulator on the GPU says itself what is missing, and what to do instead.
    if name != "cpu" and env.sim.backend == "mujoco_cpu" and not torch.cuda.is_available():
        raise MissingError(
            f"`device={name!r}`: PyTorch sees no CUDA device; `check_install()` says more. `device='cpu'` is fast "
            "enough here."
        )
    return name


def newest_checkpoint(run: RunFolder) -> Path:
    """Return from where a run goes on.

    Raises:
        BadInputError: It has no checkpoint.
    """
    checkpoints = run.checkpoints()
    if not checkpoints:
        raise BadInputError(
            f"{run.path} has no checkpoint to go on from: it ended before the first one. Train anew; `command` in its "
            "meta.json says what was typed."
        )
    return checkpoints[-1]


def _meta(job: TrainJob) -> Mapping[str, Any]:
    return {
        "schema": 1,
        "kind": "train",
        "task": job.env.task,
        "trainer": kind_of(job.trainer, job.settings.algorithm).label,
        "seed": job.seed,
        "device": job.device,
        "processes": present().size,
        "evaluation_episodes": job.evaluation_episodes,
        "command": list(job.command),
        "settings": to_plain(job.settings),
        "env": to_plain(job.env),
        "physical_parameters": physics_of(job.env),
        "hashes": hashes_of(job.env),
        "provenance": provenance(),
        "pid": os.getpid(),
        **({"changes": dict(job.changes)} if job.changes else {}),
    }


def _randomization(job: TrainJob, run: RunFolder, env: Env) -> dict[str, Any] | None:
    """Return by what worlds differ, and what the first worlds of this training really draw."""
    if job.randomization is None:
        return None
    write_atomic(run.path / RANDOMIZATION, randomization_yaml(job.randomization), overwrite=True)
    env.reset(job.seed)  # learning begins with this same seed, and so with these same worlds
    return {"config": to_plain(job.randomization), "drawn": drawn_in_words(job.env, env.drawn)}


def _learn(
    job: TrainJob,
    run: RunFolder,
    env: Env,
    trainer: Trainer,
    *,
    report: Callable[[Progress], None],
    watch: Watch | None,
    note: Note | None,
    say: Callable[[str], object],
) -> None:
    def save(steps: int) -> None:
        check_sound(trainer.network_of(), steps)
        run.add_checkpoint(steps, trainer.save)

    def look(steps: int) -> None:
        if watch is not None:
            watch(steps, _infer(trainer.network_of()))

    if job.settings.total_timesteps <= trainer.steps:
        leave()
        return

    log = Logbook(
        run, env, job.settings, save=save, checkpoint_s=job.checkpoint_s, report=report, watch=look, note=note, say=say
    )
    with _interruptible(log) as watched:
        try:
            with breakdown_in_words(trainer):
                trainer.learn(job.settings.total_timesteps, watched)
        except KeyboardInterrupt as asked:
            save(trainer.steps)
            if isinstance(asked, StoppedTogether):
                leave()
            raise TrainingInterrupted(run, trainer.steps) from None
    leave()
    save(trainer.steps)
    look(trainer.steps)


def _infer(network: Mlp) -> Infer:
    """Return the network as a policy of one action at a time."""

    def infer(terms: Mapping[str, Float32]) -> Float32:
        return network(np.concatenate(list(terms.values()), axis=1))[:, None]

    return infer


@contextmanager
def _writing(run: RunFolder) -> Generator[None]:
    """Say in words that a file of the run can not be written, whichever it was."""
    try:
        yield
    except (OSError, BadInputError) as error:
        reason = error.__cause__ if isinstance(error, BadInputError) else error
        if not isinstance(reason, OSError):
            raise
        hint = "see that you may write there" if isinstance(reason, PermissionError) else "make room"
        raise DiskError(
            f"{run.path} can not be written any more: {reason.strerror or reason}. What it has is kept; {hint}."
        ) from error


@contextmanager
def _interruptible(log: Log | None) -> Generator[Log]:
    """Yield the log with which Ctrl-C and SIGTERM end training: alone at once, in a team with all its processes."""
    if log is not None and not present().several:
        with terminate_is_interrupt():
            yield log
        return
    with stop_when_asked() as stop:
        yield TogetherLog(stop, log)


@contextmanager
def terminate_is_interrupt() -> Generator[None]:
    """Treat a polite kill (SIGTERM, as batch systems send it) and a terminal that went away like Ctrl-C: save and end.

    What is ignored already stays so: `nohup` lets a program outlive its terminal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in TERMINATING}
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
