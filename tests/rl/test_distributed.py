"""Two processes that learn one policy with RSL-RL, on the CPU: the same networks, other worlds."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.envs.env import Env
from roarm_lab.rl.distributed import (
    HERE,
    StoppedTogether,
    TogetherLog,
    anybody,
    check_gpus,
    join,
    leave,
    meeting_point,
    multi_gpu,
    present,
    stop_when_asked,
)
from roarm_lab.rl.process_group import ALONE, ProcessGroup, group_of
from roarm_lab.rl.trainer import check_together, trainer_class
from roarm_lab.tasks.reach import reach
from tests.training import tiny

PATIENCE_S = 120.0
WORLDS, ROLLOUTS = 8, 3
STOP_AFTER = 2
PROCESSES = 2


def member(rank: int, port: int, folder: Path) -> None:
    """Be one of two processes: learn, write down what the networks are, then be asked to stop or see another asked."""
    who = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(PROCESSES)}
    os.environ.update(who, MASTER_ADDR=HERE, MASTER_PORT=str(port), TORCHELASTIC_USE_AGENT_STORE="True")
    team = group_of(os.environ)
    join(team, "cpu")
    assert present() == team
    env = Env(reach(), WORLDS, seed=team.seed(0))
    settings = tiny(1, num_envs=WORLDS, minibatches=2, hidden=(8, 8))
    trainer: Any = trainer_class("rsl_rl")(env, settings, seed=team.seed(0), device="cpu", events=None)
    first = trainer.network_of().layers[0][0]
    per_rollout = PROCESSES * WORLDS * settings.rollout_steps
    with stop_when_asked() as stop:
        trainer.learn(ROLLOUTS * per_rollout, TogetherLog(stop))
        network, steps = trainer.network_of(), trainer.steps
        goals = env.state.commands["goal"]

        class AskedLater(TogetherLog):
            """After some rollouts, asks one process to stop."""

            def before_rollout(self, steps: int) -> None:
                if rank == 1 and steps == (ROLLOUTS + STOP_AFTER) * per_rollout:
                    os.kill(os.getpid(), signal.SIGTERM)
                super().before_rollout(steps)

        with pytest.raises(StoppedTogether):
            trainer.learn(100 * per_rollout, AskedLater(stop))
    layers = np.concatenate([part.ravel() for layer in network.layers for part in layer])
    np.savez(
        folder / f"{rank}.npz",
        first=first,
        layers=layers,
        mean=network.mean,
        var=network.var,
        goals=goals,
        steps=steps,
        stopped=trainer.steps,
        counted=env.total_steps,
        per_rollout=per_rollout,
    )
    leave()
    assert present() == ALONE


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, np.ndarray]]:
    """What two processes wrote down."""
    pytest.importorskip("rsl_rl", reason="rsl_rl is not installed")
    folder, store = tmp_path_factory.mktemp("members"), meeting_point()
    start = multiprocessing.get_context("spawn").Process
    processes = [start(target=member, args=(rank, store.port, folder)) for rank in range(PROCESSES)]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2]))  # the others find this file as `tests....`
        for process in processes:
            process.start()
    try:
        for process in processes:
            process.join(PATIENCE_S)
        assert [process.exitcode for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    return [dict(np.load(folder / f"{rank}.npz")) for rank in range(PROCESSES)]


def test_networks_begin_alike_and_stay_alike_to_the_last_bit(members: list[dict[str, np.ndarray]]) -> None:
    one, other = members
    for part in ("first", "layers", "mean", "var"):
        np.testing.assert_array_equal(one[part], other[part])
    assert not np.array_equal(one["first"].ravel(), one["layers"][: one["first"].size])  # something was learned


def test_each_process_has_worlds_of_its_own(members: list[dict[str, np.ndarray]]) -> None:
    one, other = members
    assert not np.intersect1d(one["goals"], other["goals"]).size


def test_steps_of_all_processes_count(members: list[dict[str, np.ndarray]]) -> None:
    for one in members:
        assert one["steps"] == ROLLOUTS * one["per_rollout"]
        assert one["counted"] == one["stopped"]  # by which a curriculum goes


def test_all_stop_before_the_same_rollout_when_one_is_asked_to(members: list[dict[str, np.ndarray]]) -> None:
    for one in members:
        assert one["stopped"] == (ROLLOUTS + STOP_AFTER) * one["per_rollout"]


def test_a_process_alone_asks_nobody() -> None:
    assert present() == ALONE
    assert [anybody(False), anybody(True)] == [False, True]
    join(ALONE, "cpu")
    assert present() == ALONE


def test_a_second_ctrl_c_does_not_wait() -> None:
    with stop_when_asked() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_more_processes_than_gpus_are_refused() -> None:
    check_gpus("cpu", 64)
    with pytest.raises(MissingError, match=r"`gpus=64`: PyTorch sees \d+ CUDA devices? here"):
        check_gpus("cuda", 64)


def test_only_rsl_rl_trains_in_several_processes() -> None:
    check_together("sb3", "sac", 1)
    check_together("rsl_rl", "ppo", 2)
    for name, algorithm in (("sb3", "ppo"), ("skrl", "ppo"), ("sb3", "sac"), ("skrl", "sac")):
        with pytest.raises(BadInputError, match=r"2 processes.*Take `trainer='rsl_rl'` with `algorithm='ppo'`"):
            check_together(name, algorithm, 2)


def test_rsl_rl_is_told_nothing_when_alone() -> None:
    assert multi_gpu(ALONE) is None
    assert multi_gpu(ProcessGroup(3, 4, 1)) == {"global_rank": 3, "local_rank": 1, "world_size": 4}
