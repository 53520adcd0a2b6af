"""Tasks that are named by a file, a module or an installed package: found, or refused in words."""

import multiprocessing
import os
import pickle
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.core.object_references import absolute, short_name
from roarm_lab.envs.interface import hashes_of
from roarm_lab.robots.table import get_robot
from roarm_lab.tasks.reach import reach
from roarm_lab.tasks.table import get_task, table_name, task_called
from tests.own_tasks import ROBOT, TASKS, install, python_as_before, write_tasks


@pytest.fixture(autouse=True)
def _python_as_before(tmp_path: Path) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    with python_as_before(tmp_path):
        yield


@pytest.fixture
def own(folder: Path) -> Path:
    return write_tasks(folder)


def refusal(reference: str) -> str:
    with pytest.raises(BadInputError) as caught:
        get_task(reference)
    return str(caught.value)


def test_a_function_of_a_file_is_a_task_and_is_called_by_its_own_name(own: Path) -> None:
    config = get_task("my_tasks.py:stack_two")
    assert config.task == f"{own}:stack_two"
    assert config.name == "stack_two"
    assert list(config.rewards)[-1] == "calm"
    assert config == get_task(config.task)
    assert table_name(config) is None
    assert table_name(reach()) == "reach"


def test_what_lies_beside_the_file_can_be_imported(own: Path) -> None:
    (own.parent / "beside.py").write_text("from my_tasks import stack_two\n\ndef slower():\n    return stack_two()\n")
    (own.parent / "two.py").write_text("import beside\n\ndef mine():\n    return beside.slower()\n")
    assert get_task("two.py:mine").name == "mine"


def test_a_file_that_has_changed_is_read_again(own: Path) -> None:
    assert get_task("my_tasks.py:stack_two").episode_s == 2.5
    own.write_text(TASKS.replace("return replace(task,", "return replace(task, episode_s=3.5,"))
    assert get_task("my_tasks.py:stack_two").episode_s == 3.5
    assert not (own.parent / "__pycache__").exists()


def test_a_file_called_like_a_standard_module_does_not_take_its_place(folder: Path) -> None:
    write_tasks(folder, "random.py")
    assert get_task("random.py:stack_two").name == "stack_two"
    assert sys.modules["random"] is random
    assert "random.py has no 'stack_two'" in refusal("random:stack_two")


def test_two_files_of_one_name_in_two_folders_are_two(folder: Path) -> None:
    write_tasks(folder / "a")
    write_tasks(folder / "b").write_text(TASKS.replace("return replace(task,", "return replace(task, episode_s=3.5,"))
    assert [get_task(f"{name}/my_tasks.py:stack_two").episode_s for name in "aba"] == [2.5, 3.5, 2.5]


def test_a_file_that_lies_elsewhere_is_the_same_task(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = get_task(f"{write_tasks(folder / 'old')}:stack_two")
    (folder / "old").rename(folder / "new")
    said = refusal(old.task)
    assert said.startswith(
        f"There is no file {folder}/old/my_tasks.py, which is to hold the task. If it has moved, go to"
    )
    monkeypatch.chdir(folder / "new")
    here = get_task(old.task)
    assert here.task == f"{folder}/new/my_tasks.py:stack_two"
    assert task_called(old.task).task == old.task
    assert hashes_of(here) == hashes_of(old)


def test_a_module_is_found_in_the_working_folder_and_where_it_is_installed(folder: Path) -> None:
    write_tasks(folder / "arms", "tasks.py")
    assert get_task("arms.tasks:stack_two").task == "arms.tasks:stack_two"
    assert get_task("roarm_lab.tasks.reach:reach") == replace(reach(), task="roarm_lab.tasks.reach:reach")


def test_an_installed_package_offers_tasks_and_robots(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(folder / "site")
    monkeypatch.syspath_prepend(folder / "site")
    assert get_task("stack-two").task == "stack-two"
    assert get_robot("longer").title == "A longer arm"
    assert "There is no task named 'stak-two'. Did you mean 'stack-two'? Known: lift-cube, reach, st" in refusal(
        "stak-two"
    )
    with pytest.raises(UnknownNameError, match="Did you mean 'longer'"):
        get_robot("long")


def test_a_broken_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(folder / "site")
    tasks = folder / "site" / "arm_plugin" / "tasks.py"
    tasks.write_text("\nx = nothing\n")
    monkeypatch.syspath_prepend(folder / "site")
    assert refusal("stack-two") == (
        f"The task 'stack-two' of the package arm-plugin can not be loaded: {tasks}, line 2: NameError: name 'nothing' "
        "is not defined"
    )


def test_two_packages_that_offer_one_name_are_both_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(folder / "site")
    other = folder / "site" / "other-2.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 2\n")
    (other / "entry_points.txt").write_text("[roarm_lab.tasks]\nstack-two = other:stack\n")
    monkeypatch.syspath_prepend(folder / "site")
    assert "Two installed packages offer 'stack-two' (roarm_lab.tasks): " in refusal("stack-two")


def test_a_robot_of_a_file(folder: Path) -> None:
    (folder / "my_robot.py").write_text(ROBOT + "NUMBER = 3\n")
    assert get_robot("my_robot.py:ROBOT").name == "longer"
    with pytest.raises(UnknownNameError, match="no robot in .*my_robot.py named 'ROBOTS'. Did you mean 'ROBOT'"):
        get_robot("my_robot.py:ROBOTS")
    with pytest.raises(
        BadInputError, match="my_robot.py:NUMBER is of the type int; a robot is a value of the class Robot"
    ):
        get_robot("my_robot.py:NUMBER")


@pytest.mark.parametrize(
    ("text", "reference", "said"),
    [
        (TASKS, "their_tasks.py:stack_two", "There is no file their_tasks.py in the folder"),
        (TASKS, "my_tasks.py:stack_tow", "named 'stack_tow'. Did you mean 'stack_two'? Known: stack_two."),
        (TASKS, "my_tasks.py", "my_tasks.py does not say which task: it has stack_two. Write, for instance,"),
        ("", "my_tasks.py:it", "my_tasks.py has no 'it', and nothing else that is a task."),
        ("it = 3", "my_tasks.py:it", "my_tasks.py:it is of the type int; a task is a function that"),
        ("def it(a, b=1, *c): ...", "my_tasks.py:it", "my_tasks.py:it needs arguments (a); a task is a function"),
        ("def it(): ...", "my_tasks.py:it", "my_tasks.py:it returns a value of the type NoneType; a task is"),
        (
            "\nimport not_there",
            "my_tasks.py:it",
            "my_tasks.py, line 2: ModuleNotFoundError: No module named 'not_there'",
        ),
        ("def it(:\n", "my_tasks.py:it", "my_tasks.py, line 1: SyntaxError: invalid syntax"),
        ("\n\nraise SystemExit(3)", "my_tasks.py:it", "my_tasks.py, line 3: SystemExit: 3"),
        ("def it():\n    return 1 / 0\n", "my_tasks.py:it", "my_tasks.py, line 2: ZeroDivisionError: division by zero"),
        (
            TASKS.replace("reach()", "reach(hold_s=-1.0)"),
            "my_tasks.py:stack_two",
            "BadInputError: SiteHeldAtGoal.hold_s must be positive and finite, got -1.0.",
        ),
        (TASKS, "my_tusks:stack_two", "There is no module 'my_tusks', neither installed nor in the folder"),
        (TASKS, "a/b:stack_two", "'a/b' is neither a file that ends in .py nor a module"),
        (
            TASKS,
            "stack_two",
            "Known: lift-cube, reach. A task of your own is named with its file: my_tasks.py:stack_two.",
        ),
    ],
)
def test_what_is_no_task_is_refused_in_words(folder: Path, text: str, reference: str, said: str) -> None:
    (folder / "my_tasks.py").write_text(text)
    assert said in refusal(reference)


def test_a_task_of_ones_own_goes_to_another_process(own: Path) -> None:
    pickled = pickle.dumps(get_task(f"{own}:stack_two").rewards["calm"])
    assert pickle.loads(pickled).scale == 1.0
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(pickle.loads, pickled).result().scale == 1.0


def test_a_name_for_folders_and_a_reference_for_every_folder(own: Path) -> None:
    assert [short_name(text) for text in ("reach", "lift-cube", "C:\\a\\b.py:it", "a.b:it", "a/b")] == [
        *("reach", "lift-cube", "it", "it", "a_b")
    ]
    assert absolute("my_tasks.py:stack_two") == f"{own.parent}{os.sep}my_tasks.py:stack_two"
    assert absolute("reach") == "reach"
    assert absolute("a.b:it") == "a.b:it"
