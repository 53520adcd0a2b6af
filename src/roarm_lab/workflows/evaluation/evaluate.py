"""Count how often a policy succeeds, on fresh episodes of its task."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from roarm_lab.envs.config import EnvConfig, simulated
from roarm_lab.evaluation.evaluate import MAX_WORLDS, Evaluation
from roarm_lab.evaluation.evaluate import evaluate as play_episodes
from roarm_lab.evaluation.rollout_recorder import origin_of, recorder
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.sim.table import check_backend
from roarm_lab.workflows.bundle_check import check_task
from roarm_lab.workflows.evaluation.evaluate_request import EvaluateRequest
from roarm_lab.workflows.evaluation.worlds import Worlds, worlds_for
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Notice, Progress, Written, end_if_cancelled


@dataclass(frozen=True, kw_only=True)
class EvaluateResult:
    """What an evaluation found."""

    evaluation: Evaluation
    """How often the policy succeeds, with an interval, by kind of start, and why it fails."""
    drift: tuple[str, ...]
    """What differs between the training and this version, in words."""
    worlds: str
    """By what the worlds differ."""
    rollouts: Path | None
    """Recorded episodes, where any were asked for."""


def evaluate(request: EvaluateRequest, frontend: Frontend = UNATTENDED) -> EvaluateResult:
    """Run a policy for many fresh episodes and count.

    Args:
        request: What to evaluate.
        frontend: Hears how far it is.

    Raises:
        BadInputError: The request, the bundle or a file can not be used.
        CancelledError: The front end cancelled.
        DriftError: The policy was trained on something else and `request.allow_drift` is False.
        MissingError: What the simulator needs is not here.
    """
    request.validate()
    bundle = load_bundle(request.bundle or shipped_bundle())
    config, drift, worlds = task_in_worlds(
        bundle, request.domain_randomization, allow_drift=request.allow_drift, threads=request.threads
    )
    tell_circumstances(frontend, drift, worlds)
    config = simulated(config, request.backend, request.device, request.threads)
    check_backend(config.robot, min(request.episodes, MAX_WORLDS), config.sim)

    def progress(done: int) -> None:
        frontend.tell(Progress(stage="evaluating", done=done, total=request.episodes))
        end_if_cancelled(frontend)

    root = request.record_rollouts
    with nullcontext() if root is None else recorder(origin_of(bundle), config, root, request.seed) as recording:
        evaluation = play_episodes(
            bundle.policy.infer,
            config,
            episodes=request.episodes,
            seed=request.seed,
            progress=progress,
            observe=None if recording is None else recording.observe,
        )
    if recording is not None:
        frontend.tell(Written(what="rollouts", path=recording.path))
    return EvaluateResult(
        evaluation=evaluation,
        drift=tuple(drift),
        worlds=worlds.told or "nominal",
        rollouts=None if recording is None else recording.path,
    )


def task_in_worlds(
    bundle: Bundle, file: Path | None, *, allow_drift: bool, threads: int = 0
) -> tuple[EnvConfig, list[str], Worlds]:
    """Return the bundle's task in the worlds of a file or of its training, the drift in words, and the worlds.

    Raises:
        BadInputError: The file can not be used, or the bundle does not fit the task.
        DriftError: It was trained on something else and `allow_drift` is False.
    """
    worlds = worlds_for(bundle, file)
    config, drift = check_task(
        bundle,
        allow_drift=allow_drift,
        threads=threads,
        randomization=worlds.randomization,
        same_worlds=worlds.own,
    )
    return config, drift, worlds


def tell_circumstances(frontend: Frontend, drift: list[str], worlds: Worlds) -> None:
    """Tell what the policy was trained on differently, when that was allowed, and by what the worlds differ."""
    for line in drift:
        frontend.tell(Notice(code="drift", text=f"drift: {line}", level="warning"))
    if worlds.told:
        frontend.tell(Notice(code="worlds", text=worlds.told))
