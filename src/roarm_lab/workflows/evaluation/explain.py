"""Say what is wrong with a training run: its settings, curve and policy looked at."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.core.json_objects import object_or_empty
from roarm_lab.evaluation.curve_faults import Finding
from roarm_lab.evaluation.engine_faults import contacts_left_out, worlds_diverged
from roarm_lab.evaluation.explain import explain as find_faults
from roarm_lab.evaluation.explain import not_judged
from roarm_lab.evaluation.settings_faults import Settings, scales_of
from roarm_lab.evaluation.traces import Trace, trace
from roarm_lab.mdp.object_rewards import SiteNearBox
from roarm_lab.mdp.terms import RewardTerm
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import InterfaceError
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.runs.run_meta import BROKE_DOWN
from roarm_lab.tasks.table import get_task
from roarm_lab.workflows.evaluation.evaluate import task_in_worlds, tell_circumstances
from roarm_lab.workflows.evaluation.explain_request import ExplainRequest
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, end_if_cancelled

USUAL_GAMMA = 0.95


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What was looked at, and what was found."""

    run: str
    """The run folder."""
    rollouts: int
    """Rows of the curve."""
    episodes: int
    """Episodes of the policy; 0 when it was not run."""
    successes: int
    """How many of them succeeded."""
    not_run: str | None
    """Why the policy was not run."""
    drift: tuple[str, ...]
    """What differs between the training and this version."""
    findings: tuple[Finding, ...]
    """What is wrong, each with its measure and what to change."""
    not_judged: tuple[str, ...] = ()
    """What was not looked for, and why."""

    def to_plain(self) -> dict[str, Any]:
        """Return the result as data for JSON."""
        return asdict(self)


def explain(request: ExplainRequest, frontend: Frontend = UNATTENDED) -> Explanation:
    """Return what is wrong with a run.

    Args:
        request: Which run, and how long its policy is watched.
        frontend: Hears in which worlds the policy is watched.

    Raises:
        BadInputError: It is no run folder, something in it is damaged, or there is nothing to look at yet.
        CancelledError: The front end cancelled.
    """
    request.validate()
    run = RunFolder.open(request.run)
    meta, curve = run.meta(), run.read_curve()
    end_if_cancelled(frontend)
    seen, not_run, drift = _trace(run, request, frontend)
    if seen is None and not curve:
        raise BadInputError(f"{run.path} has nothing to explain yet: it ended before its first rollout was over.")
    return Explanation(
        run=str(run.path),
        rollouts=len(curve.get("steps", ())),
        episodes=0 if seen is None else len(seen.success),
        successes=0 if seen is None else int(seen.success.sum()),
        not_run=not_run,
        drift=tuple(drift),
        findings=(
            *contacts_left_out(meta),
            *worlds_diverged(curve),
            *find_faults(curve, seen, _settings(meta)),
        ),
        not_judged=tuple(not_judged(curve)),
    )


def _trace(run: RunFolder, request: ExplainRequest, frontend: Frontend) -> tuple[Trace | None, str | None, list[str]]:
    """Return what the policy does or why it was not run, and the drift in words."""
    if not run.bundle.is_dir():
        return None, "there is none, as the run was interrupted or is still going on.", []
    try:
        bundle = load_bundle(run.bundle)
        config, drift, worlds = task_in_worlds(bundle, None, allow_drift=True, threads=request.threads)
    except InterfaceError as error:
        return None, str(error), []
    tell_circumstances(frontend, drift, worlds)
    return trace(bundle.policy.infer, config, episodes=request.episodes, seed=request.seed), None, drift


def _gamma(meta: Mapping[str, Any]) -> float:
    gamma = object_or_empty(meta.get("settings")).get("gamma")
    return float(gamma) if isinstance(gamma, int | float) and 0.0 <= gamma < 1.0 else USUAL_GAMMA


def _settings(meta: Mapping[str, Any]) -> Settings:
    """Return what the training was asked to do, as far as the run says it."""
    env, task = object_or_empty(meta.get("env")), meta.get("task")
    terms = object_or_empty(env.get("rewards"))
    usual = _usual_rewards(task)
    period_s, episode_s, broke_down = env.get("control_dt_s"), env.get("episode_s"), meta.get(BROKE_DOWN)
    numbers = [float(value) for value in (episode_s, period_s) if isinstance(value, int | float) and value > 0.0]
    return Settings(
        weights=_weights(meta),
        usual={name: term.weight for name, term in usual.items()},
        scales_m=scales_of(terms),
        of_box=frozenset(
            name for name, term in terms.items() if object_or_empty(term).get("kind") == SiteNearBox.__name__
        ),
        gamma=_gamma(meta),
        episode_steps=round(numbers[0] / numbers[1]) if len(numbers) == 2 else None,
        broke_down_at_steps=broke_down if isinstance(broke_down, int) else None,
    )


def _usual_rewards(task: object) -> Mapping[str, RewardTerm]:
    """Return the reward terms of a task as this version has them; none where it can not be found any more."""
    try:
        return get_task(task).rewards if isinstance(task, str) else {}
    except RoarmLabError:
        return {}


def _weights(meta: Mapping[str, Any]) -> dict[str, float]:
    """Return the weights of the reward terms, as far as the run says them."""
    terms = object_or_empty(object_or_empty(meta.get("env")).get("rewards"))
    weights = {name: object_or_empty(term).get("weight") for name, term in terms.items()}
    return {name: float(weight) for name, weight in weights.items() if isinstance(weight, int | float)}
