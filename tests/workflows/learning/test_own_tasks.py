"""A task of a user's own, and changes of one: trained, gone on with, evaluated, explained, reported, swept."""

import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import DriftError, InterfaceError
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.runs.run_meta import check_whole
from roarm_lab.workflows.bundle_check import check_task
from roarm_lab.workflows.evaluation.evaluate import evaluate
from roarm_lab.workflows.evaluation.evaluate_request import EvaluateRequest
from roarm_lab.workflows.evaluation.explain import explain
from roarm_lab.workflows.evaluation.explain_request import ExplainRequest
from roarm_lab.workflows.evaluation.play import play
from roarm_lab.workflows.evaluation.play_request import PlayRequest
from roarm_lab.workflows.evaluation.report import write_report
from roarm_lab.workflows.evaluation.report_request import ReportRequest
from roarm_lab.workflows.learning.setting_changes import of_algorithm, of_task, parse_changes
from roarm_lab.workflows.learning.sweep_plan import begin_sweep, plan_sweep, request_of
from roarm_lab.workflows.learning.sweep_request import SweepRequest
from roarm_lab.workflows.learning.sweep_trial import TrialOrder
from roarm_lab.workflows.learning.train import train
from roarm_lab.workflows.learning.train_job import new_job
from roarm_lab.workflows.learning.train_request import TrainRequest
from tests.own_tasks import TASKS, write_tasks

SMALL = TrainRequest(task="my_tasks.py:stack_two", num_envs=64, total_timesteps=1024, eval_episodes=8)
CHANGES = ("rewards.near.weight=0.5", "episode_s=3", "observations.actor.joint_vel.scale=0.3", "gamma=0.9")
TRIAL = """
import pickle, sys
from roarm_lab.workflows.learning.sweep_trial import run_trial
sys.exit(run_trial(pickle.load(sys.stdin.buffer)))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of tasks and a run of one, trained with changes. Copy it."""
    folder = tmp_path_factory.mktemp("project")
    task = f"{write_tasks(folder)}:stack_two"
    train(replace(SMALL, task=task, set=CHANGES, runs=folder / "runs", record_rollouts=2))
    return folder


@pytest.fixture
def project(trained: Path, folder: Path) -> Path:
    """A copy of that folder, which is the working one; the file that the run names is the one in the original."""
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    return folder


def run_of(project: Path) -> Path:
    (run,) = (project / "runs").glob("*")
    return run


def test_the_run_is_called_by_the_name_and_says_where_the_task_is_and_what_was_changed(trained: Path) -> None:
    run = RunFolder.open(run_of(trained))
    meta, interface = run.meta(), load_bundle(run.path).contract.interface
    assert run.path.name.endswith("-stack_two-0")
    assert meta["task"] == interface["task"] == f"{trained}/my_tasks.py:stack_two"
    assert meta["changes"] == interface["changes"]
    assert meta["changes"] == {
        "rewards.near.weight": 0.5,
        "episode_s": 3,
        "observations.actor.joint_vel.scale": 0.3,
    }
    assert meta["settings"]["gamma"] == 0.9
    check_whole(meta, "meta.json")


def test_every_use_of_the_run_takes_its_own_task_with_its_changes(project: Path) -> None:
    run = run_of(project)
    config, drift = check_task(load_bundle(run), allow_drift=False)
    assert (config.episode_s, config.rewards["near"].weight, drift) == (3.0, 0.5, [])
    result = evaluate(EvaluateRequest(bundle=run, episodes=8))
    assert "calm" in result.evaluation.reward_per_step
    explanation = explain(ExplainRequest(run=run, episodes=4))
    assert (explanation.not_run, explanation.drift) == (None, ())
    page = write_report(ReportRequest(run=run)).page.read_text()
    assert "rewards.near.weight=0.5" in page
    assert "could not be played again" not in page
    exported = play(PlayRequest(bundle=run, export=project / "a.html", episodes=1)).export
    assert exported is not None
    assert "stack_two with the" in exported.read_text()
    play(PlayRequest(bundle=run, rollouts=True, export=project / "b.html"))
    train(TrainRequest(resume=run, total_timesteps=2048))
    assert load_bundle(run).contract.interface["changes"]["episode_s"] == 3
    assert RunFolder.open(run).read_curve()["steps"] == [1024, 2048]


def test_a_run_finds_the_file_in_the_working_folder_when_it_has_moved(
    project: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = load_bundle(run_of(project))
    moved = replace(
        bundle,
        contract=replace(
            bundle.contract, interface={**bundle.contract.interface, "task": "/not/there/my_tasks.py:stack_two"}
        ),
    )
    assert check_task(moved, allow_drift=False)[0].name == "stack_two"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError, match="There is no file /not/there/my_tasks.py, .* If it has moved, go to"):
        check_task(moved, allow_drift=False)


def test_a_file_that_has_changed_is_drift(project: Path) -> None:
    bundle = load_bundle(run_of(project))
    there = replace(
        bundle,
        contract=replace(
            bundle.contract, interface={**bundle.contract.interface, "task": f"{project}/my_tasks.py:stack_two"}
        ),
    )
    check_task(there, allow_drift=False)
    (project / "my_tasks.py").write_text(TASKS.replace("edges=(0.3,)", "edges=(0.4,)"))
    with pytest.raises(DriftError):
        check_task(there, allow_drift=False)
    (project / "my_tasks.py").write_text(TASKS.replace("return replace(task,", "return replace(task, observations={},"))
    with pytest.raises(BadInputError, match="needs an observation group called 'actor'"):
        check_task(there, allow_drift=True)
    other = 'observations={"actor": {"tcp": task.observations["actor"]["tcp"]}},'
    (project / "my_tasks.py").write_text(TASKS.replace("return replace(task,", f"return replace(task, {other}"))
    with pytest.raises(InterfaceError, match="task does not fit the one here: .* has an unknown key 'joint_vel'"):
        check_task(there, allow_drift=True)


def test_a_setting_counts_more_than_a_file_and_is_not_given_twice(folder: Path) -> None:
    (folder / "ppo.yaml").write_text("gamma: 0.8\nclip: 0.3\n")
    request = TrainRequest(task="reach", set=("gamma=0.9", "total_timesteps=1e3"), hyperparameters=Path("ppo.yaml"))
    settings = new_job(request, ()).settings
    assert (settings.gamma, settings.clip, settings.total_timesteps) == (0.9, 0.3, 1000)  # pyright: ignore
    with pytest.raises(BadInputError, match=r"Give either `set=` num_envs=... or `num_envs=`: both say the same"):
        new_job(TrainRequest(task="reach", num_envs=8, set=("num_envs=8",)), ())


def test_a_task_that_nobody_has_tuned_takes_the_defaults_and_what_its_trainer_needs(folder: Path) -> None:
    pytest.importorskip("rsl_rl")
    write_tasks(folder)
    usual = replace(SMALL, num_envs=None, total_timesteps=None)
    assert new_job(usual, ()).settings == new_job(TrainRequest(task="reach"), ()).settings
    assert new_job(replace(usual, trainer="rsl_rl"), ()).settings.desired_kl == 0.012  # pyright: ignore
    assert new_job(replace(usual, algorithm="sac"), ()).settings.algorithm == "sac"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("gama=1",), "`set=` has an unknown key 'gama'. Did you mean 'gamma'?"),
        (("epsiode_s=3",), "`set=` has an unknown key 'epsiode_s'. Did you mean 'episode_s'?"),
        (
            ("gamma",),
            "`set=` takes a name and a value, for instance gamma=0.9 or rewards.near.weight=0.5; got",
        ),
        (("gamma=",), "`set=` takes a name and a value"),
        (("gamma=0.9", "gamma=0.8"), "`set=` gamma is given twice."),
        (("gamma=0.9,0.8",), "must be a number, got '0.9,0.8'."),
        (("gradient_steps=3",), "is a setting of SAC, not of PPO."),
        (("rewards.near.weight=heavy",), "`set=` rewards.near.weight must be a number, got 'heavy'."),
    ],
)
def test_a_change_that_can_not_be_is_refused(texts: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        new_job(TrainRequest(task="reach", set=texts), ())
    assert said in str(caught.value)


def test_changes_are_of_the_task_or_of_the_algorithm() -> None:
    changes = parse_changes(("episode_s=3", "gamma=0.9", "rewards.near.weight=1e-3", "hidden=[8, 8]"))
    assert of_task(changes) == {"episode_s": 3, "rewards.near.weight": 0.001}
    assert of_algorithm(changes) == {"gamma": 0.9, "hidden": [8, 8]}


def test_a_sweep_compares_settings_of_an_own_task_in_processes_with_another_folder(folder: Path) -> None:
    write_tasks(folder)
    wanted = ("rewards.calm.scale=0.5,2", "gamma=0.9")
    sweep = SweepRequest(task=SMALL.task, seeds=(0,), set=wanted, num_envs=64, total_timesteps=1024, eval_episodes=4)
    planned = plan_sweep(sweep)
    made = begin_sweep(sweep, planned, {})
    assert made.path.name.endswith("-stack_two")
    plan = made.plan()
    assert [request["set"] for request in plan.requests] == [["rewards.calm.scale=0.5"], ["rewards.calm.scale=2"]]
    request = request_of(plan.requests[1], made.path.absolute())
    order = TrialOrder(request=request, command=(), run=folder / "run", log=folder / "log.txt")
    words = [sys.executable, "-c", TRIAL]
    done = subprocess.run(words, input=pickle.dumps(order), cwd="/", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    meta = RunFolder.open(folder / "run").meta()
    assert (meta["env"]["rewards"]["calm"]["scale"], meta["settings"]["gamma"]) == (2.0, 0.9)
    with pytest.raises(BadInputError, match=r"rewards has an unknown key 'clam'. Did you mean 'calm'"):
        plan_sweep(replace(sweep, set=("rewards.clam.scale=1,2",)))
