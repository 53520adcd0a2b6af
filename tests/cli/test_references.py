"""Options and use cases in texts, as flags and commands."""

import importlib
import inspect

import pytest

from roarm_lab.cli.main import STAGE_OF
from roarm_lab.cli.references import COMMANDS, as_typed, error_as_typed
from roarm_lab.core.errors import BadInputError, InvalidValueError


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("add `overwrite=True` to replace it", "add --overwrite to replace it"),
        ("`report=False` leaves it out", "--no-report leaves it out"),
        ('`device=` is a name, `device="cpu"` too', "--device is a name, --device cpu too"),
        ("for instance `seeds=(0, 1, 2)`", "for instance --seeds 0 1 2"),
        ("`check_install()` says more", "roarm doctor says more"),
        ('`set_up_arm(step="zero")`', "roarm setup --step zero"),
        ('`run_policy("runs/my run", arm="sim")`', "roarm run 'runs/my run' --arm sim"),
        (
            "`nvidia-smi`, `x == 1`, `f(x)`, `a=b c`, `Python(1)`",
            "`nvidia-smi`, `x == 1`, `f(x)`, `a=b c`, `Python(1)`",
        ),
    ],
)
def test_python_in_a_text_becomes_what_is_typed(text: str, typed: str) -> None:
    assert as_typed(text) == typed


def test_a_field_with_a_wrong_value_is_named_by_its_flag() -> None:
    error = InvalidValueError("eval_episodes", 0, "must be 1 or more", "`train()` takes 100.")
    assert str(error) == "eval_episodes must be 1 or more, got 0. `train()` takes 100."
    assert error_as_typed(error) == "--eval-episodes must be 1 or more, got 0. roarm train takes 100."
    assert isinstance(error, BadInputError)
    assert (error.field, error.value) == ("eval_episodes", 0)


@pytest.mark.parametrize("words", COMMANDS.values())
def test_every_command_is_one(words: str) -> None:
    verb, *rest = words.split()
    module = importlib.import_module(f"roarm_lab.cli.{STAGE_OF[verb]}.{verb}")
    assert not rest or rest[0] == "--arm" or f'subcommand("{rest[0]}")' in inspect.getsource(module)
