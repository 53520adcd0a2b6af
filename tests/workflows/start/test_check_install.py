"""What is found of an installation, and that every row that is not fine says what to type."""

from pathlib import Path

import pytest

from roarm_lab.workflows.frontend import Progress
from roarm_lab.workflows.start import check_install
from roarm_lab.workflows.start.check_install import Row, State, check_package, choice, mujoco_repair, try_python
from tests.frontends import Heard

# What MuJoCo 4.0.0 says after an upgrade in place from 3.17.0 (recorded).
BROKEN_MUJOCO = """raise ImportError(
    "The 'mujoco' package is installed, but its core bindings ('mujoco-core') are missing or corrupted (for example, "
    "after uninstalling a previous monolithic 'mujoco' package). Repair your environment with:\\n"
    "  pip install --force-reinstall --no-deps mujoco mujoco-core mujoco-studio")
"""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return check_install.check_all()


def test_this_environment_is_fine_and_every_check_has_a_row(rows: list[Row]) -> None:
    assert not [row for row in rows if row.state == State.BAD]
    names = [row.name for row in rows]
    expected = ("Python", "numpy", "mujoco", "import mujoco", "mujoco.batch", "import onnxruntime", "pictures", "CPU")
    assert [name for name in expected if name not in names] == []


def test_a_row_says_what_to_type_exactly_when_something_is_needed(rows: list[Row]) -> None:
    assert all(bool(row.type_this) == (row.state in {State.BAD, State.NOTE}) for row in rows)


@pytest.mark.parametrize(
    ("states", "fine"),
    [
        ((State.FINE, State.NOTE, State.SPARE), True),
        ((State.FINE, State.BAD, State.FINE), False),
    ],
)
def test_only_what_is_needed_and_does_not_work_spoils_an_installation(
    states: tuple[State, ...], fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row(str(number), state, "found", "repair") for number, state in enumerate(states)]
    monkeypatch.setattr(check_install, "check_all", lambda: rows)
    frontend = Heard()
    report = check_install.check_install(frontend)
    assert (report.rows, report.fine) == (tuple(rows), fine)
    assert str(report.machine["python"]).startswith("3.")
    assert [type(event) for event in frontend.events] == [Progress]  # it takes a moment
    assert frontend.questions == []


def test_what_is_not_needed_says_so_in_words_and_not_in_those_of_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    trouble = "mujoco.FatalError: an OpenGL platform library has not been loaded into this process"
    monkeypatch.setattr(check_install, "find_library", lambda name: None)

    def only_egl_draws(code: str, **env: str) -> tuple[str, str]:
        return "", trouble if env.get("MUJOCO_GL", "egl") != "egl" else ""

    monkeypatch.setattr(check_install, "answer_of", only_egl_draws)
    assert list(check_install.check_rendering({}, "linux")) == [
        Row("pictures", State.FINE, "drawn with egl"),
        Row("pictures: egl", State.FINE, "works"),
        Row("pictures: osmesa", State.SPARE, "not installed (not needed)"),
        Row("pictures: glfw", State.SPARE, "no screen (not needed)"),
    ]


def test_where_nothing_draws_every_way_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_install, "answer_of", lambda code, **env: ("", "mujoco.FatalError: no" if env else ""))
    monkeypatch.setattr(check_install, "find_library", lambda name: name if name == "EGL" else None)
    pictures, egl, osmesa, glfw = check_install.check_rendering({}, "linux")
    assert (pictures.state, pictures.found) == (State.NOTE, "can not be drawn here")
    assert [row.found for row in (egl, osmesa, glfw)] == ["installed, but does not draw", "not installed", "no screen"]
    assert all(row.state == State.NOTE and row.type_this for row in (egl, osmesa, glfw))


def test_the_gpu_simulator_is_not_needed_where_there_is_no_nvidia_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_install, "package_version", lambda name: None)
    monkeypatch.setattr(check_install, "NVIDIA", ())
    (row,) = check_install.check_gpu_simulator()
    assert row == Row("GPU simulator", State.SPARE, "not installed (not needed)")
    row = check_install.gpu_row("Warp", "raise ImportError('libcuda')")
    assert row == Row("GPU, by Warp", State.SPARE, "no NVIDIA GPU (not needed)")


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10), State.BAD), ((3, 11), State.FINE), ((3, 13), State.FINE), ((3, 14), State.BAD)]
)
def test_pythons_from_3_11_to_3_13_are_fine(version: tuple[int, int], state: State) -> None:
    assert [row.state for row in check_install.check_python(version)] == [state]


@pytest.mark.parametrize(
    ("found", "extra", "state", "type_this"),
    [
        ("4.0.0", "", State.FINE, ""),
        ("4.0.0+cpu", "", State.FINE, ""),
        (None, "", State.BAD, "pip install 'thing>=3.17'"),
        (None, "train", State.NOTE, "pip install 'roarm-lab[train]'"),
        ("3.9.2", "", State.BAD, "pip install 'thing>=3.17'"),
        ("4.1.0", "", State.NOTE, "pip install 'thing==4.0.0'"),
    ],
)
def test_a_package_is_missing_old_untested_or_fine(found: str | None, extra: str, state: State, type_this: str) -> None:
    row = check_package("thing", "3.17", extra, found, "4.0.0")
    assert (row.state, row.type_this) == (state, type_this)


@pytest.mark.parametrize("found", ["3.13.0", "3.17.0"])
def test_mujoco_is_not_upgraded_to_4_in_place_because_that_breaks_it(found: str) -> None:
    assert check_package("mujoco", "3.17", "", found, "4.0.0").type_this.startswith(
        "pip uninstall -y mujoco mujoco-core mujoco-studio && pip"
    )


def test_a_broken_mujoco_is_bad_and_its_repair_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mujoco").mkdir()
    (tmp_path / "mujoco" / "__init__.py").write_text(BROKEN_MUJOCO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    row = next(iter(check_install.check_mujoco()))
    assert row.state == State.BAD
    assert "core bindings ('mujoco-core') are missing" in row.found
    assert row.type_this.startswith("pip install --force-reinstall --no-deps mujoco==")
    assert list(check_install.check_rendering()) == []  # to talk about graphics now would mislead


def test_mujoco_is_three_packages_from_4_on() -> None:
    repair = "pip install --force-reinstall --no-deps "
    assert mujoco_repair("4.0.0") == repair + "mujoco==4.0.0 mujoco-core==4.0.0 mujoco-studio==4.0.0"
    assert mujoco_repair("3.17.0") == repair + "mujoco==3.17.0"
    assert mujoco_repair("3.13.0") == "pip uninstall -y mujoco mujoco-core mujoco-studio && pip install 'mujoco>=3.17'"


def test_without_the_gpu_simulator_there_is_a_note_and_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_install, "package_version", lambda name: None if name == "mujoco-warp" else "9.0")
    monkeypatch.setattr(check_install, "answer_of", lambda code: pytest.fail("nothing to try"))
    monkeypatch.setattr(check_install, "NVIDIA", (Path("/"),))
    (row,) = check_install.check_gpu_simulator()
    assert (row.name, row.state, row.found) == ("GPU simulator", State.NOTE, "not installed (extra gpu)")
    assert row.type_this.startswith("pip install 'roarm-lab[gpu]'")


def test_with_the_gpu_simulator_its_versions_and_what_is_seen_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_install, "NVIDIA", (Path("/"),))
    monkeypatch.setattr(check_install, "package_version", lambda name: "1.5" if name == "warp-lang" else "4.0.0")
    monkeypatch.setattr(
        check_install, "SEES_GPU", {"torch": "print('Module loaded')", "Warp": "print('GPUs: One (x)')"}
    )
    rows = {row.name: row for row in check_install.check_gpu_simulator()}
    assert rows["mujoco-warp"] == Row("mujoco-warp", State.FINE, "4.0.0")
    assert rows["warp-lang"].state == State.BAD  # a simulator that is there must work
    assert rows["GPU, by torch"].found == "no CUDA device"
    assert rows["GPU, by Warp"] == Row("GPU, by Warp", State.FINE, "One (x)")
    assert list(rows) == ["mujoco-warp", "warp-lang", "GPU, by torch", "GPU, by Warp"]


def test_a_library_that_can_not_say_which_gpus_it_sees_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_install, "NVIDIA", (Path("/"),))
    row = check_install.gpu_row("Warp", "raise ImportError('libcuda')")
    assert (row.state, row.found) == (State.NOTE, "ImportError: libcuda")


def test_the_renderer_in_use_is_judged_and_another_is_offered() -> None:
    assert choice("egl", ["egl"]) == Row("pictures", State.FINE, "drawn with egl")
    assert choice("glfw", ["osmesa"]).type_this == "export MUJOCO_GL=osmesa"
    assert choice("glfw", []).type_this == "apt-get install libegl1 libopengl0 libgl1-mesa-dri"


def test_elsewhere_than_on_linux_there_is_one_way_to_draw() -> None:
    assert [row.name for row in check_install.check_rendering({}, "darwin")] == ["pictures"]


def test_the_last_complaint_of_a_failed_try_is_kept() -> None:
    assert try_python("print('fine')") == ""
    assert try_python("raise ValueError('first line\\nsecond line')") == "ValueError: first line"
    assert try_python("import sys; sys.exit(7)") == "ended with code 7"


def test_a_try_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_install, "TRY_TIMEOUT_S", 0.3)
    assert try_python("import time; time.sleep(60)") == "no answer within 0 s"


def test_threads_that_are_limited_from_outside_are_shown() -> None:
    assert next(check_install.check_cpu({"OMP_NUM_THREADS": "1"})).found.endswith("cores usable, OMP_NUM_THREADS=1")
