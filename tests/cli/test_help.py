"""What the verbs that train, evaluate and drive say about themselves."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from roarm_lab.cli.main import STAGE_OF, main
from roarm_lab.core.rendering import has_egl
from tests.bundles import still_bundle
from tests.cli.commands import roarm_without

OURS = ("train", "sweep", "eval", "run", "demo", "bench")


def help_of(verb: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([verb, "--help"]) == 0
    return capsys.readouterr().out


def fields_of(verb: str) -> dict[str, str]:
    """Return the fields of the verb's arguments with the docstrings below them; an empty text where there is none."""
    module = import_module(f"roarm_lab.cli.{STAGE_OF[verb]}.{verb}")
    (config,) = [
        kind for name, kind in vars(module).items() if name.endswith("Arguments") and kind.__module__ == module.__name__
    ]
    found: dict[str, str] = {}
    for part in reversed(config.__mro__[:-1]):  # what a verb says of a field counts before what the request says
        body = ast.parse(inspect.getsource(part)).body[0]
        assert isinstance(body, ast.ClassDef)
        for node, below in zip(body.body, [*body.body[1:], ast.Pass()], strict=True):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                text = below.value if isinstance(below, ast.Expr) else None
                found[node.target.id] = str(text.value) if isinstance(text, ast.Constant) else ""
    return found


@pytest.mark.parametrize("verb", OURS)
def test_help_says_every_flag_in_words(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    fields = fields_of(verb)
    assert fields
    shown = re.sub(r"[^\w]+", "", help_of(verb, capsys))  # without boxes and line breaks
    for name, text in fields.items():
        assert text, f"{verb}: {name} is not described"
        assert re.sub(r"[^\w]+", "", text) in shown, f"{verb}: {name}"


@pytest.mark.parametrize("verb", OURS)
def test_help_teaches_by_examples_that_use_real_flags(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = help_of(verb, capsys)
    examples = [line for line in shown.splitlines() if line.startswith(f"  roarm {verb}")]
    assert "examples:\n" in shown
    assert len(examples) >= 2
    flags = {f"--{name.replace('_', '-')}" for name in fields_of(verb)}
    assert {flag for line in examples for flag in re.findall(r"--[a-z-]+", line)} <= flags


def test_the_front_page_names_every_verb_and_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in STAGE_OF)
    assert "begin with:" in shown


@pytest.mark.parametrize(
    "words",
    [
        ("train", "reach", "--total-timesteps", "64", "--num-envs", "1"),
        ("eval", "bundle", "--episodes", "1"),
        ("run", "bundle"),
        ("bench", "sim"),
    ],
)
def test_drawing_without_a_screen_is_chosen_before_mujoco_is_imported(words: tuple[str, ...], folder: Path) -> None:
    still_bundle(folder / "bundle")
    done = roarm_without("mujoco", *words, folder=folder)
    assert done.returncode == 3
    assert "\nmujoco " in f"\n{done.stderr}"
    assert f"MUJOCO_GL={'egl' if has_egl() else 'disable'}" in done.stderr
    assert "pip install 'roarm-lab'" in done.stderr
