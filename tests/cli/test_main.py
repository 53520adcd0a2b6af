"""The first word, and what every ending is worth as an exit code."""

import os
import shlex
import subprocess
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import pytest
import tyro

from roarm_lab import __version__
from roarm_lab.cli.arguments import parse
from roarm_lab.cli.main import STAGE_OF, main
from roarm_lab.core.errors import BadInputError, MissingError, RoarmLabError

Run = Callable[[list[str]], int]


@dataclass(frozen=True)
class Wish:
    """A config as a verb has it."""

    task: Annotated[str, tyro.conf.Positional]
    """The task to wish for."""
    num_envs: int = 4
    """How many at once."""


def run_wish(argv: list[str]) -> int:
    """A verb that reads its flags as every verb does."""
    wish = parse(Wish, argv, prog="roarm run", description="Wish for a task.")
    print(wish.task, wish.num_envs)
    return 0


@pytest.fixture
def put_verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Let `roarm run` be the given function."""
    monkeypatch.setenv("MUJOCO_GL", os.environ.get("MUJOCO_GL", "egl"))  # main would set it for the tests that follow

    def put(run: Run) -> None:
        module = types.ModuleType("roarm_lab.cli.deployment.run")
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "roarm_lab.cli.deployment.run", module)

    return put


def raising(error: BaseException) -> Run:
    def run(argv: list[str]) -> int:
        raise error

    return run


def spawn(words: Sequence[str], code: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m roarm_lab words`, or `code`, in a fresh interpreter."""
    command = [sys.executable, *(["-c", code] if code else ["-m", "roarm_lab"]), *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, check=False)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb_and_the_exit_codes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in STAGE_OF)
    assert "exit codes: 0 done, 1 a finding, 2 bad input, 3" in out


def test_help_is_instant_because_it_imports_nothing_heavy() -> None:
    code = "import sys; from roarm_lab.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = set(spawn([], code).stderr.split())
    assert "roarm_lab.cli.main" in loaded
    assert len([name for name in loaded if name.startswith("roarm_lab")]) < 10  # of 280
    assert not loaded & {"numpy", "rich", "tyro", "mujoco", "gymnasium", "torch", "onnxruntime", "argparse"}


def test_version_is_the_package_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"roarm-lab {__version__}\n"


def test_a_misspelt_verb_gets_the_closest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert "no verb named 'trian'. Did you mean 'train'?" in capsys.readouterr().err


def test_a_verb_gets_the_words_after_it_and_its_code_is_kept(put_verb: Callable[[Run], None]) -> None:
    got: list[str] = []

    def run(argv: list[str]) -> int:
        got.extend(argv)
        return 1

    put_verb(run)
    assert main(["run", "reach", "--num-envs", "3"]) == 1
    assert got == ["reach", "--num-envs", "3"]


@pytest.mark.parametrize(
    ("error", "code"), [(BadInputError("no"), 2), (MissingError("no"), 3), (RoarmLabError("no"), 1)]
)
def test_an_error_for_people_is_one_line_and_its_code(
    error: RoarmLabError, code: int, put_verb: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    put_verb(raising(error))
    assert main(["run"]) == code
    assert capsys.readouterr().err == "roarm: no\n"


def test_debug_shows_where_an_error_came_from(
    put_verb: Callable[[Run], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROARM_DEBUG", "1")
    put_verb(raising(BadInputError("no")))
    assert main(["run"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_error_of_ours_is_not_hidden(put_verb: Callable[[Run], None]) -> None:
    put_verb(raising(ZeroDivisionError("a mistake of the program")))
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        main(["run"])


def test_ctrl_c_is_one_line_and_130(put_verb: Callable[[Run], None], capsys: pytest.CaptureFixture[str]) -> None:
    put_verb(raising(KeyboardInterrupt()))
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "roarm: interrupted\n"


@pytest.mark.parametrize(
    ("package", "extra"),
    [
        *((name, "train") for name in ("torch", "stable_baselines3", "tensorboard", "onnx")),
        *((name, "rsl-rl") for name in ("rsl_rl", "tensordict")),
        ("skrl", "skrl"),
    ],
)
def test_a_missing_optional_package_names_the_extra(
    package: str, extra: str, put_verb: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    put_verb(raising(ModuleNotFoundError(f"No module named '{package}'", name=package)))
    assert main(["run"]) == 3
    assert f"pip install 'roarm-lab[{extra}]'" in capsys.readouterr().err


def test_a_broken_package_leads_to_the_doctor(
    put_verb: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    put_verb(raising(ImportError("The 'mujoco' package is installed, but its core bindings are missing")))
    assert main(["run"]) == 3
    err = capsys.readouterr().err
    assert "core bindings are missing" in err
    assert "roarm doctor" in err


def test_a_missing_file_of_ours_is_a_mistake_and_not_an_installation_problem(put_verb: Callable[[Run], None]) -> None:
    put_verb(raising(ModuleNotFoundError("No module named 'roarm_lab.nowhere'", name="roarm_lab.nowhere")))
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        main(["run"])


def test_flags_become_the_config(put_verb: Callable[[Run], None], capsys: pytest.CaptureFixture[str]) -> None:
    put_verb(run_wish)
    assert main(["run", "reach", "--num-envs", "7"]) == 0
    assert capsys.readouterr().out == "reach 7\n"


def test_the_docstring_of_a_field_is_its_help(
    put_verb: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    put_verb(run_wish)
    assert main(["run", "--help"]) == 0
    out = capsys.readouterr().out
    assert "usage: roarm run" in out
    assert "How many at once." in out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["reach", "--num-env", "3"], "--num-envs"),
        (["reach", "--num-envs", "many"], "'many'"),
        ([], "task"),
    ],
)
def test_a_flag_that_does_not_fit_is_bad_input_and_says_why(
    words: list[str], reason: str, put_verb: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    put_verb(run_wish)
    assert main(["run", *words]) == 2
    assert reason in capsys.readouterr().err.replace("TASK", "task")


PIPE = """
import sys, types
from roarm_lab.cli.main import main
def run(argv):
    for _ in range(int(argv[0])):
        print("a line that nobody reads")
    return 1
sys.modules["roarm_lab.cli.deployment.run"] = types.SimpleNamespace(run=run)
sys.exit(main(["run", sys.argv[1]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end differently there")
@pytest.mark.parametrize("lines", ["1", "100000"])  # within the buffer, and far beyond it
def test_a_closed_pipe_is_no_crash(lines: str) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stdout:
        done = subprocess.run([sys.executable, "-c", PIPE, lines], stdout=stdout, stderr=subprocess.PIPE, check=False)
    assert done.stderr == b""
    assert done.returncode == 141


@pytest.mark.skipif(os.name != "posix", reason="a matter of Unix shells")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_program_without_streams_works(closed: str) -> None:
    words = f"{shlex.quote(sys.executable)} -m roarm_lab --version {closed}"
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_character_that_the_terminal_does_not_have_is_printed_as_its_number() -> None:
    program = "from roarm_lab.cli.main import main\nmain(['--version'])\nprint('caf\\xe9')"
    environment = dict(os.environ, PYTHONIOENCODING="ascii")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, r"caf\xe9")


def test_python_dash_m_is_the_same_command() -> None:
    done = spawn(["nothing-like-it"])
    assert done.returncode == 2
    assert done.stderr.startswith("roarm: There is no verb named 'nothing-like-it'.")


@pytest.mark.parametrize(
    "words",
    [
        ("setup", "--yes", "--limits", "base", "-1", "1", "--limits", "elbow", "0.2", "2.5"),
        ("setup", "--yes", "--zero-deg", "base", "1", "--zero_deg=elbow", "2"),
        ("emulate", "--fault", "bus-unpowered", "--fault", "dead-servo=14"),
        ("sweep", "reach", "--seeds", "1", "--seeds", "2"),
    ],
)
def test_a_list_that_is_given_twice_is_refused_instead_of_half_lost(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "is given twice, and the values of the first would be lost: write all after one." in capsys.readouterr().err
