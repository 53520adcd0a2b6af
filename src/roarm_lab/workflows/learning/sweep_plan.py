"""A sweep put together from what the command line says; all of it is checked before anything is written."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.learning.sweep import SweepArguments
from roarm_lab.cli.learning.train import TrainArguments, checked
from roarm_lab.core.configs import dump_yaml, load_yaml
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.randomization import DEFAULT, DomainRandomization, randomization_yaml
from roarm_lab.runs.sweep_folder import Plan, SweepFolder
from roarm_lab.runs.sweep_grid import Setting, parse_grid, settings_of, trials_of

FILES = ("hyperparameters", "reward_config", "domain_randomization")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A sweep that can be begun: the plan, and the files that it needs."""

    plan: Plan
    texts: Mapping[str, str]
    """Files to write below `inputs/`: name -> content."""
    copies: Mapping[str, Path]
    """Files to copy there: name -> where it is."""


def planned(arguments: SweepArguments) -> Planned:
    """Return the sweep that is asked for.

    Raises:
        BadInputError: Something in it can not be trained; nothing has been written.
        ImportError: The library of a trainer is not installed.
    """
    grid = parse_grid(arguments.set)
    for name in ("num_envs", "total_timesteps"):
        if name in grid and getattr(arguments, name) is not None:
            raise BadInputError(f"Give either --set {name}=... or --{name.replace('_', '-')}: both say the same.")
    settings = settings_of(arguments.trainers or (_usual_trainer(arguments),), grid)
    trials = trials_of(settings, arguments.seeds)
    base = load_yaml(arguments.hyperparameters) if arguments.hyperparameters else {}
    steps = [_checked_steps(arguments, setting, base) for setting in settings]
    texts = {
        _file_of(index): dump_yaml(base | dict(setting.changes))
        for index, setting in enumerate(settings)
        if base or setting.changes
    }
    copies = {f"{name}.yaml": path for name in FILES[1:] if isinstance(path := getattr(arguments, name), Path)}
    if arguments.domain_randomization == DEFAULT:
        name = "domain_randomization.yaml"
        del copies[name]
        texts[name] = randomization_yaml(DomainRandomization())
    words = tuple(
        words_of(_train_arguments(arguments, settings[trial.setting], trial.seed, texts.keys(), trial.setting))
        for trial in trials
    )
    plan = Plan(
        task=str(arguments.task),
        settings=settings,
        trials=trials,
        words=words,
        total_timesteps=tuple(steps[trial.setting] for trial in trials),
    )
    return Planned(plan=plan, texts=texts, copies=copies)


def begin(arguments: SweepArguments, planned: Planned, more: Mapping[str, Any]) -> SweepFolder:
    """Return the new folder of a sweep, with what its trials read."""
    folder = SweepFolder.create(arguments.sweeps, arguments.name, planned.plan.task)
    for name in ("runs", "logs", "inputs"):
        (folder.path / name).mkdir()
    for name, text in planned.texts.items():
        folder.write_text(f"inputs/{name}", text)
    for name, path in planned.copies.items():
        shutil.copyfile(path, folder.inputs / name)
    folder.write_plan(planned.plan, more)
    return folder


def train_arguments(words: tuple[str, ...], folder: Path) -> TrainArguments:
    """Return what `roarm train` is asked with `words`, which name files relative to `folder`.

    Raises:
        BadInputError: It makes no sense.
        SystemExit: The words are none that `roarm train` understands.
    """
    arguments = parse(TrainArguments, words, prog="roarm train", description="")
    named = {name: folder / path for name in FILES if isinstance(path := getattr(arguments, name), Path)}
    return checked(replace(arguments, **named))


def words_of(arguments: TrainArguments) -> tuple[str, ...]:
    """Return the words after `roarm train` that mean these arguments."""
    usual = TrainArguments()
    changed = {f.name: getattr(arguments, f.name) for f in fields(arguments)}
    flags = {
        name: value for name, value in changed.items() if name not in ("task", "seed") and value != getattr(usual, name)
    }
    words = [str(arguments.task), "--seed", str(arguments.seed)]
    for name, value in flags.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return tuple(words)


def _train_arguments(
    arguments: SweepArguments, setting: Setting, seed: int, files: Any = (), index: int = 0
) -> TrainArguments:
    """Return one training; its files are where they will be, below the folder of the sweep."""
    return TrainArguments(
        task=arguments.task,
        algorithm=arguments.algorithm,
        backend=None if arguments.backend == "mujoco_cpu" else arguments.backend,
        trainer=None if setting.trainer == _usual_trainer(arguments) else setting.trainer,  # pyright: ignore[reportArgumentType]
        seed=seed,
        num_envs=arguments.num_envs,
        total_timesteps=arguments.total_timesteps,
        device=arguments.device,
        hyperparameters=Path("inputs", _file_of(index)) if _file_of(index) in files else None,
        reward_config=Path("inputs/reward_config.yaml") if arguments.reward_config else None,
        domain_randomization=Path("inputs/domain_randomization.yaml") if arguments.domain_randomization else None,
        eval_episodes=arguments.eval_episodes,
        wandb=arguments.wandb,
    )


def _usual_trainer(arguments: SweepArguments) -> str:
    from roarm_lab.rl.trainer import trainer_for

    return trainer_for(None, arguments.backend, arguments.algorithm)


def _file_of(setting: int) -> str:
    return f"setting{setting}.yaml"


def _checked_steps(arguments: SweepArguments, setting: Setting, base: Mapping[str, Any]) -> int:
    """Return how many steps a training takes, after making sure that it can begin."""
    from roarm_lab.rl.settings import with_changes
    from roarm_lab.rl.tracking import remote_log
    from roarm_lab.rl.trainer import trainer_class
    from roarm_lab.sim.table import check_backend
    from roarm_lab.workflows.learning.train import new_job

    plain = replace(
        _train_arguments(replace(arguments, num_envs=None, total_timesteps=None), setting, 0),
        hyperparameters=None,
        reward_config=arguments.reward_config,
        domain_randomization=arguments.domain_randomization,
    )
    remote_log(arguments.wandb, None)
    job = new_job(plain, ())
    trainer_class(setting.trainer, arguments.algorithm)
    if arguments.ray is None:
        check_backend(job.env.robot, arguments.num_envs or job.settings.num_envs, job.env.sim)
    settings = job.settings
    settings = with_changes(settings, base, str(arguments.hyperparameters), setting.trainer) if base else settings
    settings = with_changes(settings, setting.changes, "--set", setting.trainer) if setting.changes else settings
    counts = {"num_envs": arguments.num_envs, "total_timesteps": arguments.total_timesteps}
    return replace(settings, **{name: count for name, count in counts.items() if count is not None}).total_timesteps
