"""The shape of the house: which room may use which, who owns the heavy libraries, and how long a file may be."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from roarm_lab.cli.main import STAGE_OF

SRC = Path(__file__).parents[1] / "src" / "roarm_lab"
FILES = sorted(SRC.glob("*/**/*.py"))
ROOMS = sorted(path.parent.name for path in SRC.glob("*/__init__.py"))

# Besides core and robots.
ALLOWED: dict[str, set[str]] = {
    "cli": set(ROOMS),
    "workflows": set(ROOMS) - {"cli"},
    "view": {"evaluation", "runs", "gateway", "teleop", "datasets", "policies", "envs", "sim"},
    "rl": {"envs", "policies", "evaluation", "runs"},
    "runs": {"policies", "evaluation"},
    "evaluation": {"envs", "policies", "datasets"},
    "teleop": {"gateway"},
    "gateway": {"policies", "mdp"},
    "tasks": {"envs", "mdp", "sim"},
    "envs": {"mdp", "sim"},
    "emulator": {"hardware", "sim"},
    "mdp": set(),
    "sim": set(),
    "policies": set(),
    "datasets": set(),
    "hardware": set(),
    "robots": set(),
    "core": set(),
}
SPEAKERS = {
    "workflows/frontend.py": "the front end of notebooks",
    "workflows/evaluation/peer_process.py": "the program of a process of its own",
    "workflows/learning/sweep_trial.py": "the program of a process of its own, which prints into its log",
    "workflows/ray_pool.py": "what Ray prints is kept from stdout",
    "rl/wandb_tracking.py": "what Weights & Biases prints is kept from stdout",
    "teleop/terminal_keys.py": "the terminal as a device that steers",
}
"""Files outside of `cli` that touch the streams of the process, and why."""
OF_OTHERS = re.compile(r"(docker run|pip install|usbipd attach|wsl) [^`.;,]*")
"""Commands of other programs, whose flags are their own."""
OWNERS = {
    "mujoco": {"sim"},
    "torch": {"rl"},  # and sim, by name: see warp_device
    "warp": {"sim"},
    "mujoco_warp": {"sim"},
    "stable_baselines3": {"rl"},
    "rsl_rl": {"rl"},
    "skrl": {"rl"},
    "ray": {"workflows"},
    "wandb": {"rl"},
    "tensordict": {"rl"},
    "tensorboard": {"rl"},
    "onnx": {"rl"},
    "onnxruntime": {"policies"},
    "gymnasium": {"envs", "tasks", "rl"},
    "tyro": {"cli"},
    "rich": {"cli"},
    "viser": {"view"},
    "pygame": {"teleop"},
    "hid": {"teleop"},
    "av": {"view"},
    "PIL": {"view"},
    "serial": {"hardware", "emulator"},
    "cv2": {"hardware"},
    "pyk4a": {"hardware"},
    "websockets": {"hardware", "emulator"},
    "msgspec": {"gateway"},
}
MOST_LINES_OF_THE_COMMAND_LINE = 2800
"""Of all but the later verbs."""
LATER_VERBS, MOST_LINES_OF_A_VERB = {"drift", "export", "mcp", "serve", "soak", "top"}, 90
MAX_LINES = 400  # beyond, a file usually holds two ideas

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SRC).as_posix())


def room_of(path: Path) -> str:
    return path.relative_to(SRC).parts[0]


def modules_imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, as `a.b.c`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # The name may be a module too: `from roarm_lab import sim`.
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def rooms_imported(tree: ast.AST) -> set[str]:
    parts = (name.split(".") for name in modules_imported(tree))
    return {part[1] for part in parts if part[0] == "roarm_lab" and part[1] in ROOMS}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in memory after `code` ran in a fresh interpreter."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@each_file
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path)
    base = set() if room == "core" else {"core"} if room == "robots" else {"core", "robots"}
    assert rooms_imported(ast.parse(path.read_text(encoding="utf-8"))) - ({room} | base | ALLOWED[room]) == set()


@each_file
def test_a_heavy_library_is_imported_only_by_its_owner(path: Path) -> None:
    libraries = {name.partition(".")[0] for name in modules_imported(ast.parse(path.read_text(encoding="utf-8")))}
    assert {library for library in libraries if room_of(path) not in OWNERS.get(library, {room_of(path)})} == set()


@pytest.mark.parametrize(("library", "file"), [("ray", "workflows/ray_pool.py"), ("wandb", "rl/wandb_tracking.py")])
def test_a_library_that_is_used_for_one_thing_is_imported_in_one_file(library: str, file: str) -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
    users = [path for path, tree in trees.items() if library in {n.partition(".")[0] for n in modules_imported(tree)}]
    assert [path.relative_to(SRC).as_posix() for path in users] == [file]


@each_file
def test_imports_are_written_out(path: Path) -> None:
    imports = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)]
    assert [n.lineno for n in imports if n.level or n.names[0].name == "*"] == []


@each_file
def test_a_file_has_one_idea_and_says_which(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(text))
    assert "utils" not in path.stem


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_in_one_sentence_what_it_is_for_and_exports_nothing(room: str) -> None:
    tree = ast.parse((SRC / room / "__init__.py").read_text(encoding="utf-8"))
    sentence = ast.get_docstring(tree) or ""
    assert sentence.endswith(".")
    assert "\n\n" not in sentence
    assert ". " not in sentence
    assert room == "envs" or len(tree.body) == 1  # envs registers the Gymnasium ids, the one exception


def files_imported(path: Path) -> set[Path]:
    """The files of the package that a file imports, lazily and for types included, also by a constant name."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {str(word.value) for word in node.args if isinstance(word, ast.Constant)}
    files = {
        SRC.parent.joinpath(*name.split(".")).with_suffix(".py") for name in found if name.startswith("roarm_lab.")
    }
    return files & set(FILES) - {path}


def circles(imports: dict[Path, set[Path]]) -> list[set[Path]]:
    """The sets of files that import each other, however far round."""
    reached = {path: set(files) for path, files in imports.items()}
    for _ in imports:
        grown = {path: files | {far for near in files for far in reached[near]} for path, files in reached.items()}
        if grown == reached:
            break
        reached = grown
    rounds = {frozenset(other for other in files if path in reached[other]) for path, files in reached.items()}
    return [set(files) for files in rounds if files]


def test_files_do_not_import_each_other_in_a_circle() -> None:
    found = circles({path: files_imported(path) for path in FILES})
    names = sorted(sorted(path.relative_to(SRC).as_posix() for path in files) for files in found)
    assert names == []


def test_a_circle_is_found() -> None:
    a, b, c = Path("a"), Path("b"), Path("c")
    assert circles({a: {b}, b: {c}, c: {b}}) == [{b, c}]
    assert circles({a: {b}, b: {c}, c: set()}) == []


def test_no_verb_uses_another_verb_and_all_of_them_are_thin() -> None:
    verbs = [path for path in FILES if room_of(path) == "cli" and len(path.relative_to(SRC).parts) == 3]
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES if room_of(path) == "cli"}
    later = {path for path in verbs if path.stem in LATER_VERBS}
    assert [path for path in verbs if files_imported(path) & set(verbs)] == []
    assert sum(count for path, count in lines.items() if path not in later) <= MOST_LINES_OF_THE_COMMAND_LINE
    assert [path for path in later if lines[path] > MOST_LINES_OF_A_VERB] == []


def literals(tree: ast.AST) -> Iterator[str]:
    """Every text in a file, docstrings included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names_of_a_front_end(text: str) -> list[str]:
    """Return the flags and commands of `roarm` that a text names."""
    return re.findall(rf"(?<![\w-])--[a-z][a-z0-9-]*|\broarm (?:{'|'.join(STAGE_OF)})\b", OF_OTHERS.sub("", text))


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) != "cli"], ids=lambda p: p.relative_to(SRC).as_posix())
def test_below_the_front_ends_no_text_names_a_flag_or_a_command(path: Path) -> None:
    found = [
        name for text in literals(ast.parse(path.read_text(encoding="utf-8"))) for name in names_of_a_front_end(text)
    ]
    assert [name for name in found if name not in GIT_FLAGS] == []


GIT_FLAGS = {"--porcelain", "--untracked-files"}


def test_flags_and_commands_are_found_in_texts() -> None:
    assert names_of_a_front_end("add --overwrite, or type roarm train reach") == ["--overwrite", "roarm train"]
    assert names_of_a_front_end("a dash -- here, `docker run --device PORT`, roarm_lab") == []


@each_file
def test_only_front_ends_speak_and_listen(path: Path) -> None:
    rel = path.relative_to(SRC).as_posix()
    if room_of(path) == "cli":
        return
    spoken = {
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Name) and node.id in {"print", "input"})
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdin", "sys.stdout", "sys.stderr"})
    }
    assert bool(spoken) == (rel in SPEAKERS)


SAME_LINES = 10
"""So many identical lines in two places are one thing that has no name yet; imports and lone brackets do not count."""


def runs_of_lines(text: str) -> Iterator[tuple[str, ...]]:
    """Every run of `SAME_LINES` lines in a text."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line.strip("()[]{},") and not line.startswith(("from ", "import ", "#"))]
    yield from (tuple(lines[i : i + SAME_LINES]) for i in range(len(lines) - SAME_LINES + 1))


def test_nothing_is_written_twice() -> None:
    places = dict[tuple[str, ...], list[str]]()
    for path in sorted(SRC.rglob("*.py")):
        for run in runs_of_lines(path.read_text(encoding="utf-8")):
            places.setdefault(run, []).append(path.relative_to(SRC).as_posix())
    assert {run[0]: files for run, files in places.items() if len(files) > 1} == {}


def test_every_room_is_in_the_table() -> None:
    assert set(ROOMS) == ALLOWED.keys()


def test_the_table_in_the_documentation_is_this_one() -> None:
    text = (SRC.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if re.match(r"\| `\w+` \|", line)]
    documented = {room.strip(" `"): set(re.findall(r"`(\w+)`", uses)) for _, room, _, uses, _ in rows}
    assert documented == ALLOWED | {"cli": set(), "workflows": {"cli"}}  # everything; but


def test_the_table_has_no_circle() -> None:
    left = {room: allowed & set(ROOMS) - {room} for room, allowed in ALLOWED.items()}
    while left:
        free = {room for room, allowed in left.items() if not allowed & left.keys()}
        assert free, f"a circle among {sorted(left)}"
        left = {room: allowed for room, allowed in left.items() if room not in free}


@pytest.mark.parametrize("room", ["core", "robots", "gateway", "teleop", "policies", "datasets", "hardware"])
def test_the_robots_computer_needs_no_torch_and_no_simulator(room: str) -> None:
    files = [path for path in FILES if room_of(path) == room]
    names = [".".join(("roarm_lab", *path.relative_to(SRC).with_suffix("").parts)) for path in files]
    assert loaded_by("\n".join(f"import {name}" for name in names)) & {"torch", "mujoco", "gymnasium"} == set()


@pytest.mark.parametrize("verb", STAGE_OF)
def test_a_verb_answers_help_without_loading_what_it_will_need(verb: str) -> None:
    heavy = {"mujoco", "torch", "gymnasium", "onnxruntime", "stable_baselines3", "ray", "wandb"}
    assert loaded_by(f"import roarm_lab.cli.{STAGE_OF[verb]}.{verb}") & heavy == set()


def test_the_checks_above_can_fail() -> None:
    tree = ast.parse("from roarm_lab import sim\nimport roarm_lab.rl.train\nfrom roarm_lab.core.errors import X")
    assert rooms_imported(tree) == {"sim", "rl", "core"}
