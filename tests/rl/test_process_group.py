"""Who a process is among its peers, by what torchrun puts into the environment."""

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.rl.process_group import ALONE, ProcessGroup, group_of


def test_torchruns_variables_say_who_a_process_is() -> None:
    assert group_of({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}) == ProcessGroup(rank=3, size=4, local_rank=1)


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1"}, {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}])
def test_one_process_is_alone(environment: dict[str, str]) -> None:
    assert group_of(environment) == ALONE
    assert not ALONE.several
    assert ALONE.first


@pytest.mark.parametrize(
    "environment",
    [
        {"WORLD_SIZE": "2"},
        {"WORLD_SIZE": "2", "RANK": "0"},
        {"WORLD_SIZE": "2", "RANK": "2", "LOCAL_RANK": "0"},
        {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "2"},
        {"WORLD_SIZE": "two", "RANK": "0", "LOCAL_RANK": "0"},
        {"WORLD_SIZE": "2", "RANK": "-1", "LOCAL_RANK": "0"},
        {"WORLD_SIZE": "0", "RANK": "0", "LOCAL_RANK": "0"},
    ],
)
def test_half_an_answer_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(BadInputError, match="RANK and LOCAL_RANK from 0 up to WORLD_SIZE - 1.*unset WORLD_SIZE"):
        group_of(environment)


def test_each_process_takes_a_gpu_of_its_own() -> None:
    second = ProcessGroup(rank=5, size=8, local_rank=1)
    assert [second.device(name) for name in ("cuda", "cuda:0", "cpu")] == ["cuda:1", "cuda:1", "cpu"]
    assert [ALONE.device(name) for name in ("cuda", "cuda:3", "cpu")] == ["cuda", "cuda:3", "cpu"]


def test_cores_are_divided_unless_somebody_says_how_many() -> None:
    assert [ProcessGroup(0, 3, 0).threads(0, cores) for cores in (1, 2, 8)] == [1, 1, 2]
    assert ProcessGroup(0, 3, 0).threads(5, 8) == 5
    assert ALONE.threads(0, 8) == 0  # the simulator takes all by itself


def test_seeds_of_two_processes_stay_apart_however_long_training_goes_on() -> None:
    assert ProcessGroup(0, 2, 0).seed(7) == 7
    assert ProcessGroup(1, 2, 1).seed(7) - 7 > 1_000_000_000_000
