"""A sweep put together from what is asked for; all of it is checked before anything is written."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from roarm_lab.core.configs import dump_yaml, load_yaml, to_plain
from roarm_lab.core.errors import BadInputError, UnknownKeyError
from roarm_lab.core.object_references import absolute, short_name
from roarm_lab.envs.randomization import DEFAULT, DomainRandomization, randomization_yaml
from roarm_lab.runs.sweep_folder import Plan, SweepFolder
from roarm_lab.runs.sweep_grid import Setting, as_text, parse_grid, settings_of, trials_of
from roarm_lab.workflows.learning.setting_changes import of_algorithm, of_task, with_settings
from roarm_lab.workflows.learning.sweep_request import SweepRequest
from roarm_lab.workflows.learning.train_job import new_job
from roarm_lab.workflows.learning.train_request import TrainRequest

FILES = ("hyperparameters", "reward_config", "domain_randomization")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A sweep that can be begun: the plan, and the files that it needs."""

    plan: Plan
    texts: Mapping[str, str]
    """Files to write below `inputs/`: name -> content."""
    copies: Mapping[str, Path]
    """Files to copy there: name -> where it is."""


def plan_sweep(request: SweepRequest) -> Planned:
    """Return the sweep that is asked for.

    Raises:
        BadInputError: Something in it can not be trained; nothing has been written.
        ImportError: The library of a trainer is not installed.
    """
    request = replace(request, task=absolute(str(request.task)))  # trials are trained in other folders
    grid = parse_grid(request.set)
    for name in ("num_envs", "total_timesteps"):
        if name in grid and getattr(request, name) is not None:
            raise BadInputError(f"Give either `set=` {name}=... or `{name}=`: both say the same.")
    settings = settings_of(request.trainers or (_usual_trainer(request),), grid)
    trials = trials_of(settings, request.seeds)
    base = load_yaml(request.hyperparameters) if request.hyperparameters else {}
    steps = [_checked_steps(request, setting, base) for setting in settings]
    texts = {
        _file_of(index): dump_yaml(base | of_algorithm(setting.changes))
        for index, setting in enumerate(settings)
        if base or of_algorithm(setting.changes)
    }
    copies = {f"{name}.yaml": path for name in FILES[1:] if isinstance(path := getattr(request, name), Path)}
    if request.domain_randomization == DEFAULT:
        name = "domain_randomization.yaml"
        del copies[name]
        texts[name] = randomization_yaml(DomainRandomization())
    requests = tuple(
        plain_of(_train_request(request, settings[trial.setting], trial.seed, texts.keys(), trial.setting))
        for trial in trials
    )
    plan = Plan(
        task=str(request.task),
        settings=settings,
        trials=trials,
        requests=requests,
        total_timesteps=tuple(steps[trial.setting] for trial in trials),
    )
    return Planned(plan=plan, texts=texts, copies=copies)


def begin_sweep(request: SweepRequest, planned: Planned, more: Mapping[str, Any]) -> SweepFolder:
    """Return the new folder of a sweep, with what its trials read."""
    folder = SweepFolder.create(request.sweeps, request.name, short_name(planned.plan.task))
    for name in ("runs", "logs", "inputs"):
        (folder.path / name).mkdir()
    for name, text in planned.texts.items():
        folder.write_text(f"inputs/{name}", text)
    for name, path in planned.copies.items():
        shutil.copyfile(path, folder.inputs / name)
    folder.write_plan(planned.plan, more)
    return folder


def request_of(plain: Mapping[str, Any], folder: Path) -> TrainRequest:
    """Return what a trial trains; its files are named relative to `folder`.

    Raises:
        BadInputError: It makes no sense.
    """
    known = {field.name for field in fields(TrainRequest)}
    unknown = next((name for name in plain if name not in known), None)
    if unknown is not None:
        raise UnknownKeyError("A trial of the sweep", unknown, known)
    named: dict[str, Any] = {name: folder / str(value) if name in FILES else value for name, value in plain.items()}
    named["set"] = tuple(named.get("set", ()))
    request = TrainRequest(**named)
    request.validate()
    return request


def plain_of(request: TrainRequest) -> dict[str, Any]:
    """Return the fields of a request that are not the usual ones, as plain data that `request_of` reads."""
    usual = TrainRequest()
    given = {field.name: getattr(request, field.name) for field in fields(request)}
    return {name: to_plain(value) for name, value in given.items() if value != getattr(usual, name)}


def _train_request(request: SweepRequest, setting: Setting, seed: int, files: Any = (), index: int = 0) -> TrainRequest:
    """Return one training; its files are where they will be, below the folder of the sweep."""
    return TrainRequest(
        task=request.task,
        algorithm=request.algorithm,
        backend=None if request.backend == "mujoco_cpu" else request.backend,
        trainer=None if setting.trainer == _usual_trainer(request) else setting.trainer,  # pyright: ignore[reportArgumentType]
        seed=seed,
        num_envs=request.num_envs,
        total_timesteps=request.total_timesteps,
        device=request.device,
        hyperparameters=Path("inputs", _file_of(index)) if _file_of(index) in files else None,
        reward_config=Path("inputs/reward_config.yaml") if request.reward_config else None,
        set=tuple(f"{name}={as_text(value)}" for name, value in of_task(setting.changes).items()),
        domain_randomization=Path("inputs/domain_randomization.yaml") if request.domain_randomization else None,
        eval_episodes=request.eval_episodes,
        wandb=request.wandb,
    )


def _usual_trainer(request: SweepRequest) -> str:
    from roarm_lab.rl.trainer import trainer_for

    return trainer_for(None, request.backend, request.algorithm)


def _file_of(setting: int) -> str:
    return f"setting{setting}.yaml"


def _checked_steps(request: SweepRequest, setting: Setting, base: Mapping[str, Any]) -> int:
    """Return how many steps a training takes, after making sure that it can begin."""
    from roarm_lab.rl.settings import with_changes
    from roarm_lab.rl.tracking import remote_log
    from roarm_lab.rl.trainer import trainer_class
    from roarm_lab.sim.table import check_backend

    plain = replace(
        _train_request(replace(request, num_envs=None, total_timesteps=None), setting, 0),
        hyperparameters=None,
        reward_config=request.reward_config,
        domain_randomization=request.domain_randomization,
    )
    remote_log(request.wandb, None)
    job = new_job(plain, ())
    trainer_class(setting.trainer, request.algorithm)
    if request.ray is None:
        check_backend(job.env.robot, request.num_envs or job.settings.num_envs, job.env.sim)
    settings = job.settings
    settings = with_changes(settings, base, str(request.hyperparameters), setting.trainer) if base else settings
    settings = with_settings(settings, of_algorithm(setting.changes), (), setting.trainer)
    counts = {"num_envs": request.num_envs, "total_timesteps": request.total_timesteps}
    return replace(settings, **{name: count for name, count in counts.items() if count is not None}).total_timesteps
