"""What is called every step has no branches, loops, writes or dice: checked in the source itself.

Looking at values and writing to the state are found by running the terms (test_numpy_and_torch); this finds what only
shows on a device: loops over worlds, and Python doing what the array library should.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import roarm_lab.mdp

FOLDER = Path(roarm_lab.mdp.__file__).parent
FILES = (
    "actions",
    "commands",
    "curriculum",
    "draws",
    "events",
    "object_events",
    "object_observations",
    "object_rewards",
    "observations",
    "rewards",
    "success",
    "terminations",
)
FORBIDDEN = {
    ast.For: "a loop",
    ast.While: "a loop",
    ast.ListComp: "a loop",
    ast.SetComp: "a loop",
    ast.DictComp: "a loop",
    ast.GeneratorExp: "a loop",
    ast.If: "a branch",
    ast.IfExp: "a branch",
    ast.BoolOp: "and / or: the truth of an array",
    ast.Not: "not: the truth of an array",
    ast.AugAssign: "a write in place",
    ast.Delete: "del of more than an unused argument",
    ast.Global: "a write outside",
    ast.Nonlocal: "a write outside",
}
CONVERSIONS = {"bool", "float", "int", "len", "list", "range", "print", "any", "all", "sum", "min", "max"}
METHODS = {
    "item",
    "tolist",
    "numpy",
    "cpu",
    "any",
    "all",
    "nonzero",
    "astype",
    "copy",
    "fill",
    "put",
    "random",
    "normal",
}


def called_every_step(tree: ast.AST) -> Iterator[ast.AST]:
    """Every function inside a function, and every lambda: what `bind` returns, and its helpers."""
    for outer in ast.walk(tree):
        if isinstance(outer, ast.FunctionDef):
            yield from (n for n in ast.walk(outer) if isinstance(n, ast.FunctionDef | ast.Lambda) and n is not outer)


def sins(tree: ast.AST) -> list[str]:
    """What is wrong, with line numbers."""
    found: list[str] = []
    for function in called_every_step(tree):
        for node in ast.walk(function):
            line = getattr(node, "lineno", 0)
            if isinstance(node, ast.Delete) and all(isinstance(target, ast.Name) for target in node.targets):
                continue  # `del state`: says that an argument is not used
            if type(node) in FORBIDDEN:
                found.append(f"line {line}: {FORBIDDEN[type(node)]}")
            elif isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Subscript | ast.Attribute) for t in node.targets
            ):
                found.append(f"line {line}: a write in place")
            elif isinstance(node, ast.Subscript) and any(isinstance(n, ast.Compare) for n in ast.walk(node.slice)):
                found.append(f"line {line}: boolean indexing")
            elif isinstance(node, ast.Name) and node.id == "np":
                found.append(f"line {line}: NumPy alone")
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CONVERSIONS:
                found.append(f"line {line}: {node.func.id}()")
            elif isinstance(node, ast.Attribute) and node.attr in METHODS and _of_an_array(node):
                found.append(f"line {line}: .{node.attr}")
    return sorted(set(found))


def _of_an_array(node: ast.Attribute) -> bool:
    """Whether it is not a function of the array namespace: `xp.astype(x)` is the standard's, `x.astype` is NumPy's."""
    return not (isinstance(node.value, ast.Name) and node.value.id == "xp" and node.attr in ("astype", "any", "all"))


@pytest.mark.parametrize("name", FILES)
def test_what_is_called_every_step_is_pure_array_code(name: str) -> None:
    assert sins(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) == []


def test_every_file_of_terms_is_looked_at() -> None:
    holds_none = {
        "__init__",
        "effects",
        "groups",
        "meaning",
        "from_contract",
        "holding",
        "scene",
        "state_base",
        "terms",
    }
    assert {path.stem for path in FOLDER.glob("*.py")} - holds_none == set(FILES)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("for i in range(3): pass", "a loop"),
        ("y = [a for a in x]", "a loop"),
        ("y = 1 if x else 2", "a branch"),
        ("x += 1", "a write in place"),
        ("x[0] = 1", "a write in place"),
        ("y = x[x > 0]", "boolean indexing"),
        ("y = a and b", "truth of an array"),
        ("y = not a", "truth of an array"),
        ("y = float(x)", r"float\(\)"),
        ("y = x.any()", r"\.any"),
        ("y = np.sum(x)", "NumPy alone"),
        ("y = xp.random.rand(3)", r"\.random"),
    ],
)
def test_the_check_can_fail(line: str, word: str) -> None:
    found = sins(ast.parse(f"def bind():\n    def f(x):\n        {line}\n    return f"))
    assert any(re.search(word, text) for text in found), found
