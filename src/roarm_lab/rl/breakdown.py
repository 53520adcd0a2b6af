"""Trainings that can not go on by themselves, said in words: numbers that are none any more, too little memory."""

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np

from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.settings import Settings
from roarm_lab.rl.trainer import Trainer

NO_DISTRIBUTION = "Expected parameter"
"""How PyTorch begins when a mean or a standard deviation is no number, or is 0."""
NO_MEMORY = ("bad_alloc", "allocate", "out of memory", "too big", "too large")
"""What MuJoCo, NumPy, PyTorch and CUDA say in errors of different classes."""


class BrokenLearningError(RoarmLabError):
    """The numbers of a network ran away while it learned: NaN or infinite (exit code 1)."""


def check_sound(network: Mlp, steps: int) -> None:
    """Refuse a network that is no policy any more.

    Raises:
        BrokenLearningError: A number of it is not finite.
    """
    arrays = (network.mean, network.var, *(array for layer in network.layers for array in layer))
    if not all(np.isfinite(array).all() for array in arrays):
        raise _broken(steps)


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
            raise _broken(trainer.steps) from error
        check_sound(trainer.network_of(), trainer.steps)
        raise


@contextmanager
def memory_in_words(settings: Settings) -> Generator[None]:
    """Say in words that worlds, networks or what is collected do not fit into the memory.

    Raises:
        BadInputError: They do not.
    """
    try:
        yield
    except (MemoryError, RuntimeError, ValueError) as error:
        if not isinstance(error, MemoryError) and not any(word in str(error).lower() for word in NO_MEMORY):
            raise
        raise BadInputError(
            f"There is not enough memory to train with {settings.num_envs:,} worlds, rollouts of "
            f"{settings.rollout_steps:,} steps and layers of {settings.hidden}. Take fewer; see --num-envs."
        ) from error


def _broken(steps: int) -> BrokenLearningError:
    return BrokenLearningError(
        f"Learning broke down after {steps:,} steps: the policy's numbers became infinite or NaN. Settings or rewards "
        "far from the tuned ones do that; take a smaller learning_rate, or leave out --hyperparameters."
    )
