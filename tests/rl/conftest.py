"""One finished training of each trainer, made when a test first asks for it."""

import pytest

from roarm_lab.rl.train import Trained, train
from roarm_lab.runs.run_folder import RunFolder
from tests.rl.trainer_contract import Case, Training


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Return what gives the training of a library with an algorithm."""
    made: dict[Case, Trained] = {}

    def run(case: Case) -> Trained:
        if case not in made:
            made[case] = train(case.job(), RunFolder.create(tmp_path_factory.mktemp("runs"), "reach", 0))
        return made[case]

    return run
