"""The public names: what is promised, documented, and loaded no earlier than it is asked for."""

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import roarm_lab as roarm
import roarm_lab.api as public

ROOT = Path(__file__).parents[1]
REQUESTS = sorted(name for name in public.__all__ if name.endswith("Request"))
HEAVY = {"torch", "mujoco", "gymnasium", "onnxruntime", "stable_baselines3", "ray"}


def fields_with_docstrings(kind: type) -> set[str]:
    """Return the fields of a dataclass, inherited ones included, that have a docstring on the line below."""
    found = set[str]()
    for part in kind.__mro__[:-1]:
        tree = ast.parse(Path(inspect.getsourcefile(part) or "").read_text(encoding="utf-8"))
        (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == part.__name__)
        for line, below in pairwise(body):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found.add(ast.unparse(line.target))
    return found


def test_every_name_is_there_and_lives_in_the_file_that_is_named() -> None:
    homes = {name: file for file, names in public.FILES.items() for name in names}
    assert sorted(homes) == sorted(public.__all__)
    for name, file in homes.items():
        thing = getattr(roarm, name)
        assert thing is getattr(import_module(f"roarm_lab.{file}"), name)
        assert getattr(thing, "__module__", f"roarm_lab.{file}") == f"roarm_lab.{file}"


def test_the_names_for_editors_are_the_same() -> None:
    tree = ast.parse(Path(public.__file__).read_text(encoding="utf-8"))
    imports = [
        node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ro")
    ]
    assert {(str(node.module).partition(".")[2], alias.name) for node in imports for alias in node.names} == {
        (file, name) for file, names in public.FILES.items() for name in names
    }


def test_the_page_lists_every_name_once() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: roarm_lab\.api\.(\w+)$", text, re.MULTILINE)) == sorted(public.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = roarm.trian  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_a_frozen_value_and_says_what_each_field_is(name: str) -> None:
    kind = getattr(roarm, name)
    assert kind.__dataclass_params__.frozen
    assert {field.name for field in dataclasses.fields(kind)} - fields_with_docstrings(kind) == set()
    assert callable(kind.validate)


def loaded_with(names: list[str]) -> set[str]:
    """Return the packages in memory after looking at public names in a fresh Python."""
    code = f"import sys, roarm_lab; [getattr(roarm_lab, name) for name in {names}]"
    code += "; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_requests_load_nothing_heavy() -> None:
    assert loaded_with([*REQUESTS, "Frontend", "Notebook"]) & HEAVY == set()


def test_no_public_name_loads_torch_before_it_is_used() -> None:
    assert loaded_with(public.__all__) & {"torch", "ray", "stable_baselines3", "tyro"} == set()
