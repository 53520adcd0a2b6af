"""The training that is asked for, put together: task, worlds, settings; anew or from a run that goes on."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roarm_lab.core.configs import load_yaml, override, restored
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.changes import check_rewards, with_changes
from roarm_lab.envs.config import EnvConfig, simulated
from roarm_lab.envs.interface import hashes_of
from roarm_lab.envs.randomization import DomainRandomization, load_randomization, randomized
from roarm_lab.rl.settings import ALGORITHMS, changed_settings, settings_of
from roarm_lab.rl.trainer import algorithm_of, check_together, name_of, trainer_class, trainer_for
from roarm_lab.runs.run_meta import check_whole
from roarm_lab.tasks.table import get_task, table_name
from roarm_lab.workflows.learning.setting_changes import WHERE, of_algorithm, of_task, parse_changes, with_settings
from roarm_lab.workflows.learning.train_request import TrainRequest

if TYPE_CHECKING:
    from roarm_lab.rl.train_job import TrainJob
    from roarm_lab.runs.run_folder import RunFolder


def prepare_job(request: TrainRequest, command: tuple[str, ...], processes: int) -> "tuple[TrainJob, RunFolder | None]":
    """Return what to train, and the run to go on with; nothing is written.

    Raises:
        BadInputError: The arguments make no sense.
        ImportError: The trainer's library is not installed.
        MissingError: PyTorch is not installed, or has no CUDA or too few GPUs where they were asked for.
    """
    from roarm_lab.rl.distributed import check_gpus
    from roarm_lab.rl.train import device_of

    if request.gpus not in (1, processes):
        raise BadInputError(f"`gpus={request.gpus}`, but torchrun started {processes} processes; leave `gpus=` out.")
    job, run = resumed_job(request, command) if request.resume else (new_job(request, command, processes), None)
    check_together(job.trainer, job.settings.algorithm, processes)
    device = device_of(job.device, job.env)
    if processes > 1:
        check_gpus(device, processes)
    trainer_class(job.trainer, job.settings.algorithm)
    return job, run


def new_job(request: TrainRequest, command: tuple[str, ...], processes: int = 1) -> "TrainJob":
    """Return the training that is asked for.

    Raises:
        BadInputError: It can not be; nothing has been written.
    """
    from roarm_lab.rl.train_job import TrainJob

    changes = parse_changes(request.set)
    env = with_changes(with_rewards(get_task(str(request.task)), request.reward_config), of_task(changes), WHERE)
    randomization = None
    if request.domain_randomization is not None:
        randomization = load_randomization(request.domain_randomization)
        env = randomized(env, randomization)
    env = simulated(env, request.backend or "mujoco_cpu", request.device, request.threads)
    usual = "rsl_rl" if processes > 1 and request.algorithm == "ppo" else None
    trainer = trainer_for(request.trainer or usual, env.sim.backend, request.algorithm)
    tuned = settings_of(
        request.algorithm,
        table_name(env),
        randomized=randomization is not None,
        trainer=trainer,
        device="cpu" if env.sim.backend == "mujoco_cpu" else "cuda",
    )
    if request.hyperparameters is not None:
        tuned = changed_settings(tuned, request.hyperparameters, trainer)
    given = [name for name in ("num_envs", "total_timesteps") if getattr(request, name) is not None]
    tuned = with_settings(tuned, of_algorithm(changes), given, trainer)
    settings = replace(
        tuned,
        num_envs=tuned.num_envs if request.num_envs is None else request.num_envs,
        total_timesteps=tuned.total_timesteps if request.total_timesteps is None else request.total_timesteps,
    )
    return TrainJob(
        env=env,
        randomization=randomization,
        settings=settings,
        seed=request.seed,
        trainer=trainer,
        device=request.device,
        evaluation_episodes=request.eval_episodes,
        changes=of_task(changes),
        command=command,
    )


def with_rewards(env: EnvConfig, path: Path | None) -> EnvConfig:
    """Return the task with the changes to its rewards that a file names.

    Raises:
        BadInputError: The file or a change in it can not be used.
    """
    if path is None:
        return env
    env = replace(env, rewards=override(env.rewards, load_yaml(path), str(path)))
    check_rewards(env, f"{path}: ")
    return env


def resumed_job(request: TrainRequest, command: tuple[str, ...]) -> "tuple[TrainJob, RunFolder]":
    """Return the training that `request.resume` began, and its folder.

    Raises:
        BadInputError: It can not go on, or has finished.
    """
    from roarm_lab.rl.train import newest_checkpoint
    from roarm_lab.runs.run_folder import RunFolder

    assert request.resume is not None
    run = RunFolder.open(request.resume)
    meta = run.meta()
    check_whole(meta, str(run.path / "meta.json"))
    try:
        job = _job_of(meta, request, command)
        same = hashes_of(job.env) == meta["hashes"]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{run.path / 'meta.json'} is damaged: {error!r}.") from error
    if not same:
        raise BadInputError(f"The task {job.env.task!r} has changed since {run.path} was started; train it anew.")
    newest_checkpoint(run)
    done = int(run.checkpoints()[-1].name)
    if done >= job.settings.total_timesteps and run.is_finished():
        raise BadInputError(
            f"{run.path} has finished its {done:,} steps. To train longer, add a larger `total_timesteps=`."
        )
    return job, run


def _job_of(meta: dict[str, Any], request: TrainRequest, command: tuple[str, ...]) -> "TrainJob":
    """Return the job that `meta.json` describes, with what may be changed on the way."""
    from roarm_lab.rl.train_job import TrainJob

    changes = meta.get("changes", {})
    env = with_changes(get_task(meta["task"]), changes, "meta.json: changes")
    env = replace(env, rewards=restored(env.rewards, meta["env"]["rewards"], "meta.json: rewards"))
    sim = meta["env"]["sim"]
    env = simulated(env, sim.get("backend", "mujoco_cpu"), sim.get("device", "auto"), request.threads)
    randomization = randomization_of_run(meta)
    if randomization is not None:
        env = randomized(env, randomization)
    label = meta.get("trainer", "sb3-ppo")  # runs from before there were others do not say it
    known = ALGORITHMS[algorithm_of(label)]()
    settings = restored(known, meta["settings"], "meta.json: settings")
    if request.total_timesteps is not None:
        settings = replace(settings, total_timesteps=request.total_timesteps)
    return TrainJob(
        env=env,
        randomization=randomization,
        settings=settings,
        seed=override(0, meta["seed"], "meta.json: seed"),
        trainer=name_of(label),
        device=override("", meta["device"], "meta.json: device"),
        evaluation_episodes=override(0, meta["evaluation_episodes"], "meta.json: evaluation_episodes"),
        changes=changes,
        command=command,
    )


def randomization_of_run(meta: dict[str, Any]) -> DomainRandomization | None:
    """Return the domain randomisation that `meta.json` describes; None without any."""
    kept = meta.get("randomization")
    if not kept:
        return None
    return restored(DomainRandomization(), kept["config"], "meta.json: randomization")
