"""A training whose numbers are none any more, said in words."""

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np

from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.trainer import Trainer

NO_DISTRIBUTION = "Expected parameter"
"""How PyTorch begins when a mean or a standard deviation is no number, or is 0."""


class BrokenLearningError(RoarmLabError):
    """The numbers of a network ran away while it learned: NaN or infinite (exit code 1)."""

    def __init__(self, steps: int) -> None:
        super().__init__(
            f"Learning broke down after {steps:,} steps: the policy's numbers became infinite or NaN. Settings or "
            "rewards far from the tuned ones do that; take a smaller learning_rate, or leave out `hyperparameters=`."
        )
        self.steps = steps


def check_sound(network: Mlp, steps: int) -> None:
    """Refuse a network that is no policy any more.

    Raises:
        BrokenLearningError: A number of it is not finite.
    """
    arrays = (network.mean, network.var, *(array for layer in network.layers for array in layer))
    if not all(np.isfinite(array).all() for array in arrays):
        raise BrokenLearningError(steps)


@contextmanager
def breakdown_in_words(trainer: Trainer) -> Generator[None]:
    """Say in words that learning ended because the policy's numbers ran away, whatever a library makes of that.

    Raises:
        BrokenLearningError: They did.
    """
    try:
        yield
    except (ValueError, RuntimeError, BadInputError) as error:
        if str(error).startswith(NO_DISTRIBUTION):
            raise BrokenLearningError(trainer.steps) from error
        check_sound(trainer.network_of(), trainer.steps)
        raise
