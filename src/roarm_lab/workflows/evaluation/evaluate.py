"""Evaluation as the command line does it: the bundle checked against the task, progress shown, the result as tables."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from roarm_lab.core.shown import shown
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.envs.randomization import DomainRandomization, randomized
from roarm_lab.evaluation.evaluate import MAX_WORLDS, Evaluation, evaluate
from roarm_lab.evaluation.rollout_recorder import origin_of, recorder
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.contract import InterfaceError, check_drift, check_interface
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.sim.table import check_backend
from roarm_lab.tasks.table import get_task
from roarm_lab.workflows.evaluation.worlds import Worlds, worlds_for
from roarm_lab.workflows.learning.train import progress_bar, simulated, summary

if TYPE_CHECKING:
    from roarm_lab.cli.evaluation.eval import EvalArguments


def checked_task(
    bundle: Bundle,
    *,
    allow_drift: bool,
    threads: int = 0,
    randomization: DomainRandomization | None = None,
    same_worlds: bool = True,
) -> tuple[EnvConfig, list[str]]:
    """Return the bundle's task as this version has it, randomised if asked for, and the drift in words.

    Args:
        bundle: The policy.
        allow_drift: Whether it may have been trained on something else.
        threads: CPU threads of the simulation; 0 takes all.
        randomization: By what worlds differ; None for nominal ones.
        same_worlds: Whether other worlds than those of the training are drift. They are not where somebody chose them,
            nor on an arm: no arm is a nominal world.

    Raises:
        InterfaceError: The bundle does not fit the task.
        DriftError: It was trained on something else and `allow_drift` is False.
    """
    name = bundle.contract.interface.get("task")
    if not isinstance(name, str):
        raise InterfaceError("The bundle's contract does not say which task it is for.")
    config = get_task(name) if randomization is None else randomized(get_task(name), randomization)
    check_interface(bundle.contract, interface_of(config))
    hashes = hashes_of(config)
    if not same_worlds:
        del hashes["randomization"]
    found = check_drift(bundle.contract, hashes, allow=allow_drift)
    return replace(config, sim=replace(config.sim, threads=threads)), found


def task_in_worlds(
    bundle: Bundle, file: Path | None, *, allow_drift: bool, threads: int = 0
) -> tuple[EnvConfig, list[str], Worlds]:
    """Return the bundle's task in the worlds of a file or of its training, the drift in words, and the worlds.

    Raises:
        BadInputError: The file can not be used, or the bundle does not fit the task.
        DriftError: It was trained on something else and `allow_drift` is False.
    """
    worlds = worlds_for(bundle, file)
    config, drift = checked_task(
        bundle,
        allow_drift=allow_drift,
        threads=threads,
        randomization=worlds.randomization,
        same_worlds=worlds.own,
    )
    return config, drift, worlds


def evaluate_bundle(arguments: "EvalArguments") -> tuple[Evaluation, list[str], Worlds]:
    """Return the evaluation that was asked for, the drift in words, and the worlds."""
    bundle = load_bundle(arguments.bundle or shipped_bundle())
    config, drift, worlds = task_in_worlds(
        bundle, arguments.domain_randomization, allow_drift=arguments.allow_drift, threads=arguments.threads
    )
    say_drift(drift)
    say_worlds(worlds)
    config = simulated(config, arguments.backend, arguments.device, arguments.threads)
    check_backend(config.robot, min(arguments.episodes, MAX_WORLDS), config.sim)
    root, seed = arguments.record_rollouts, arguments.seed
    with (
        nullcontext() if root is None else recorder(origin_of(bundle), config, root, seed) as recording,
        progress_bar("evaluating", arguments.episodes) as update,
    ):
        evaluation = evaluate(
            bundle.policy.infer,
            config,
            episodes=arguments.episodes,
            seed=seed,
            progress=update,
            observe=None if recording is None else recording.observe,
        )
    if recording is not None:
        sys.stderr.write(f"rollouts    {shown(recording.path)}\n")
    return evaluation, drift, worlds


def say_drift(drift: list[str]) -> None:
    """Say on stderr what the policy was trained on differently, when that was allowed."""
    for line in drift:
        sys.stderr.write(f"roarm: drift: {line}\n")


def say_worlds(worlds: Worlds) -> None:
    """Say on stderr by what worlds differ, where that is a question."""
    if worlds.told:
        sys.stderr.write(f"worlds      {worlds.told}\n")


def table(evaluation: Evaluation) -> None:
    """Print the result in words and tables."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(summary(evaluation))
    if evaluation.time_to_success_s is not None:
        times = evaluation.time_to_success_s
        console.print(f"in place    after {times['median']:.2f} s (median), {times['p90']:.2f} s (90 %)")
    distance = evaluation.final_distance_m
    console.print(
        f"distance    {distance['median'] * 1e3:.1f} mm at the end (median), {distance['p90'] * 1e3:.1f} mm (90 %)"
    )
    if evaluation.regions:
        console.print(_regions(evaluation))
    for reason, count in evaluation.failures.items():
        console.print(f"failed      {count}: {reason}")
    console.print(_rewards(evaluation))


def _regions(evaluation: Evaluation) -> Table:
    grid = Table("start", "range", "episodes", "success", "95 % interval", title="Success by start")
    for row in evaluation.regions:
        rate = "-" if row.success_rate is None else f"{row.success_rate:.1%}"
        interval = "-" if row.interval is None else f"{row.interval[0]:.1%} to {row.interval[1]:.1%}"
        grid.add_row(row.name, row.range, str(row.episodes), rate, interval)
    return grid


def _rewards(evaluation: Evaluation) -> Table:
    grid = Table("reward term", "mean per step", title="Rewards")
    for name, value in evaluation.reward_per_step.items():
        grid.add_row(name, f"{value:+.4f}")
    return grid
