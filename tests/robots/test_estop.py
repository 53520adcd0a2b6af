"""Ways to stop an arm from outside: each latches it until a person has removed the cause and clears it."""

import errno
import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnsafeCommandError
from roarm_lab.robots import estop
from roarm_lab.robots.estop import EstopFile, EstopFlag, pressed_by_sigint
from tests.robots.test_arm import DT_S, HOME, PerfectArm


@pytest.fixture
def arm() -> PerfectArm:
    return PerfectArm()


def test_a_file_stops_the_arm_until_it_is_removed_and_the_stop_cleared(arm: PerfectArm, tmp_path: Path) -> None:
    path = tmp_path / "stop"
    arm.stop_on(EstopFile(path))
    last = arm.send(HOME + 1.0, DT_S)
    path.touch()
    arm.clock.sleep_until_s(DT_S)
    with pytest.raises(UnsafeCommandError, match=f"Nothing was sent: the stop file {path} is there; remove it"):
        arm.send(HOME + 1.0, DT_S)
    np.testing.assert_array_equal(arm.transmitted, [last] * 2)  # the last target was repeated
    arm.clear()
    with pytest.raises(UnsafeCommandError, match="the stop file"):  # nobody removed it
        arm.send(HOME + 1.0, DT_S)
    path.unlink()
    with pytest.raises(UnsafeCommandError, match="Nothing may be sent: the stop file"):  # nobody cleared it
        arm.send(HOME + 1.0, DT_S)
    with pytest.raises(UnsafeCommandError, match="more than a hold"):
        arm.release()
    arm.clear()
    arm.send(HOME + 1.0, DT_S)


def test_a_file_is_looked_for_even_when_the_arm_can_not_be_read(arm: PerfectArm, tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    arm.stop_on(EstopFile(tmp_path / "stop"))
    arm.next_sample = arm.read().failed(0.0, "no answer")
    with pytest.raises(UnsafeCommandError, match="the stop file"):
        arm.send(HOME, DT_S)
    assert arm.latched is not None


def test_a_dangling_link_is_a_stop_file_too(tmp_path: Path) -> None:
    (tmp_path / "stop").symlink_to(tmp_path / "nowhere")
    assert EstopFile(tmp_path / "stop").wants_stop() is not None


def test_a_file_that_can_not_be_looked_for_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    stop = EstopFile(tmp_path / "folder" / "stop")
    (tmp_path / "folder").rmdir()
    (tmp_path / "folder").touch()  # a file where the folder was: NotADirectoryError
    assert "can not be looked for" in (stop.wants_stop() or "")


def removed(folder: Path) -> None:
    folder.rmdir()


def renamed(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def replaced(folder: Path) -> None:
    renamed(folder)
    folder.mkdir()


def turned_to_another(folder: Path) -> None:
    """Let the link on the way to the folder lead elsewhere."""
    (folder.parent / "another").mkdir()
    (folder.parent / "link").unlink()
    (folder.parent / "link").symlink_to("another")


@pytest.mark.parametrize("loses", [removed, renamed, replaced, turned_to_another])
def test_a_stop_file_whose_folder_is_gone_or_another_one_is_a_stop(
    arm: PerfectArm, tmp_path: Path, loses: Callable[[Path], None]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    arm.stop_on(EstopFile(tmp_path / "link" / "stop"))
    last = arm.send(HOME + 1.0, DT_S)
    loses(tmp_path / "folder")
    arm.clock.sleep_until_s(DT_S)
    with pytest.raises(UnsafeCommandError, match="Nothing was sent: the stop file .* can not be looked for"):
        arm.send(HOME + 1.0, DT_S)
    np.testing.assert_array_equal(arm.transmitted, [last] * 2)
    arm.clear()
    with pytest.raises(UnsafeCommandError, match="can not be looked for"):  # the folder is still lost
        arm.send(HOME + 1.0, DT_S)


def test_a_folder_that_was_put_back_is_looked_into_again(arm: PerfectArm, tmp_path: Path) -> None:
    folder, away = tmp_path / "folder", tmp_path / "away"
    folder.mkdir()
    arm.stop_on(EstopFile(folder / "stop"))
    folder.rename(away)
    with pytest.raises(UnsafeCommandError, match=f"{folder}: No such file or directory; put the folder back"):
        arm.send(HOME, DT_S)
    away.rename(folder)
    with pytest.raises(UnsafeCommandError, match="Nothing may be sent"):  # nobody cleared it
        arm.send(HOME, DT_S)
    arm.clear()
    arm.send(HOME, DT_S)


def test_a_folder_on_another_file_system_than_at_the_start_is_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = EstopFile(tmp_path / "stop")
    assert stop.wants_stop() is None

    def mounted_over(folder: Path) -> tuple[int, int]:
        return folder.stat().st_dev + 1, folder.stat().st_ino

    monkeypatch.setattr(estop, "_identity", mounted_over)
    assert f"{tmp_path} is another folder than at the start; put the old one back" in (stop.wants_stop() or "")


@pytest.mark.parametrize("look", ["_identity", "os.lstat"])
def test_a_folder_that_may_not_be_looked_into_any_more_is_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    stop = EstopFile(tmp_path / "stop")

    def denied(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(f"roarm_lab.robots.estop.{look}", denied)
        wanted = stop.wants_stop()
    assert re.search("can not be looked for: .*Permission denied", wanted or "")


def test_what_else_happens_in_the_folder_is_no_stop(tmp_path: Path) -> None:
    stop = EstopFile(tmp_path / "stop")
    (tmp_path / "other").touch()
    (tmp_path / "other").unlink()
    (tmp_path / "stop").touch()
    assert stop.wants_stop() is not None
    (tmp_path / "stop").unlink()
    assert stop.wants_stop() is None


def test_a_stop_file_in_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=f"The stop file's folder {tmp_path / 'typo'} does not exist"):
        EstopFile(tmp_path / "typo" / "stop")


def test_a_flag_stops_the_arm_from_another_thread(arm: PerfectArm) -> None:
    flag = EstopFlag()
    arm.stop_on(flag)
    arm.send(HOME, DT_S)
    button = threading.Thread(target=flag.press, args=("someone called stop",))
    button.start()
    button.join()
    flag.press("and again")
    with pytest.raises(UnsafeCommandError, match="Nothing was sent: someone called stop"):
        arm.send(HOME, DT_S)
    flag.lift()
    assert arm.latched == "someone called stop"
    arm.clear()
    arm.clock.sleep_until_s(DT_S)
    arm.send(HOME, DT_S)


def test_any_of_several_sources_stops_the_arm(arm: PerfectArm) -> None:
    first, second = EstopFlag(), EstopFlag()
    arm.stop_on(first)
    arm.stop_on(second)
    second.press("the second")
    with pytest.raises(UnsafeCommandError, match="the second"):
        arm.send(HOME, DT_S)


def test_ctrl_c_presses_the_flag_and_still_interrupts() -> None:
    flag, before = EstopFlag(), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), pressed_by_sigint(flag):
        os.kill(os.getpid(), signal.SIGINT)
    assert flag.wants_stop() == "Ctrl-C was pressed"
    assert signal.getsignal(signal.SIGINT) == before


def test_ctrl_c_can_only_be_caught_in_the_main_thread() -> None:
    told: list[str] = []

    def elsewhere() -> None:
        try:
            with pressed_by_sigint(EstopFlag()):
                pass
        except BadInputError as error:
            told.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert told == ["Ctrl-C can only be caught in the main thread. Open this block there."]


@pytest.mark.parametrize("name", ["stop_on", "_stop_if_wanted", "_relieve_overload", "_refuse_unknown_pose", "blocked"])
def test_a_subclass_can_not_switch_the_stops_off(name: str) -> None:
    with pytest.raises(TypeError, match=f"Sneaky may not override {name} of GatedArm"):
        type("Sneaky", (PerfectArm,), {name: lambda self, *args: None})


@pytest.mark.parametrize("path", ["~nobody-of-this-name/stop", "a\0b"])
def test_what_is_no_path_is_refused_before_anything_is_sent(path: str) -> None:
    with pytest.raises(BadInputError, match="can not be looked for"):
        EstopFile(path)
