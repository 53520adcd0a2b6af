"""A run on disk: nothing half-written ever counts."""

import json
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.runs.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "reach", 3)


def names(run: RunFolder) -> list[str]:
    return sorted(path.name for path in (run.path / "checkpoints").iterdir())


def save(folder: Path) -> None:
    (folder / "model.zip").write_bytes(b"model")


def test_two_runs_of_one_second_are_two_folders(tmp_path: Path) -> None:
    made = [RunFolder.create(tmp_path, "reach", 0).path for _ in range(3)]
    assert len(set(made)) == 3
    assert all("-reach-0" in path.name for path in made)


def test_only_a_folder_with_meta_is_a_run(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is not a run folder: it has no meta.json"):
        RunFolder.open(run.path)
    with pytest.raises(BadInputError, match="There is no run folder .*nothing"):
        RunFolder.open(tmp_path / "nothing")
    run.write_json("meta.json", {"schema": 1, "task": "reach"})
    assert RunFolder.open(run.path).meta() == {"schema": 1, "task": "reach"}


@pytest.mark.parametrize("text", ["", "[]", '{"successes": 3', "[" * 100_000])
def test_an_evaluation_that_can_not_be_read_is_made_again(run: RunFolder, text: str) -> None:
    assert not run.is_evaluated()
    run.write_json("evaluation.json", {"successes": 3})
    assert run.is_evaluated()
    (run.path / "evaluation.json").write_text(text)
    assert not run.is_evaluated()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "can not be read"),
        ("[" * 100_000, "can not be read"),
        ("[]", "must hold a JSON object, got list"),
        ("{}", "meta.json has schema null; this version of RoArm Lab reads 1"),
        ('{"schema": true}', "has schema true"),
        ('{"schema": 2}', "has schema 2"),
        ('{"schema": 1, "tsak": "reach"}', "meta.json has an unknown key 'tsak'. Did you mean 'task'?"),
        ('{"schema": 1, "seed": 1, "seed": 2}', "the key 'seed' comes twice"),
        ('{"schema": 1, "seed": NaN}', "NaN is not a number"),
    ],
)
def test_a_damaged_meta_is_refused(run: RunFolder, text: str, message: str) -> None:
    (run.path / "meta.json").write_text(text)
    with pytest.raises(BadInputError, match=message):
        run.meta()


def test_checkpoints_come_in_the_order_of_their_steps_and_three_are_kept(run: RunFolder) -> None:
    assert run.checkpoints() == []
    for steps in (500, 1000, 20_000, 999_999, 1_000_000):
        run.add_checkpoint(steps, save)
    assert [int(path.name) for path in run.checkpoints()] == [20_000, 999_999, 1_000_000]
    assert names(run) == ["0000020000", "0000999999", "0001000000"]
    assert (run.checkpoints()[-1] / "model.zip").read_bytes() == b"model"


def test_a_checkpoint_that_broke_off_is_none(run: RunFolder) -> None:
    run.add_checkpoint(100, save)

    def broken(folder: Path) -> None:
        save(folder)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run.add_checkpoint(200, broken)
    assert [path.name for path in run.checkpoints()] == ["0000000100"]
    run.add_checkpoint(300, save)
    assert names(run) == ["0000000100", "0000000300"]  # what was left of the broken one is gone


def test_a_checkpoint_gets_its_name_when_it_is_complete(run: RunFolder) -> None:
    def look(folder: Path) -> None:
        save(folder)
        assert run.checkpoints() == []

    run.add_checkpoint(100, look)
    assert len(run.checkpoints()) == 1


def test_a_checkpoint_of_the_same_steps_takes_the_place_of_the_old_one(run: RunFolder) -> None:
    run.add_checkpoint(100, save)
    run.add_checkpoint(100, lambda folder: (folder / "model.zip").write_bytes(b"newer") and None)
    assert (run.checkpoints()[0] / "model.zip").read_bytes() == b"newer"


def test_the_curve_grows_row_by_row(run: RunFolder) -> None:
    assert run.read_curve() == {}
    run.append_curve({"steps": 100, "success": float("nan")})
    run.append_curve({"steps": 200, "success": 0.123456789})
    assert run.curve.read_text() == "steps,success\n100,nan\n200,0.123457\n"
    curve = run.read_curve()
    assert curve["steps"] == [100.0, 200.0]
    assert curve["success"][1] == 0.123457


@pytest.mark.parametrize("torn", ["", "3", "300", "300,", "300,0.", "300,0.5"])
def test_a_row_that_broke_off_is_left_out(run: RunFolder, torn: str) -> None:
    run.append_curve({"steps": 100, "success": 0.1})
    run.append_curve({"steps": 200, "success": 0.2})
    with run.curve.open("a") as file:
        file.write(torn)
    assert run.read_curve()["steps"] == [100.0, 200.0]
    run.cut_curve(1000)
    assert run.curve.read_text() == "steps,success\n100,0.1\n200,0.2\n"


def test_cutting_drops_what_came_after_the_checkpoint(run: RunFolder) -> None:
    run.cut_curve(100)  # there is none yet
    for steps in (100, 200, 300):
        run.append_curve({"steps": steps, "success": 0.0})
    run.cut_curve(200)
    assert run.read_curve()["steps"] == [100.0, 200.0]
    run.append_curve({"steps": 250, "success": 0.0})
    assert run.read_curve()["steps"] == [100.0, 200.0, 250.0]


def test_a_curve_without_a_whole_header_begins_anew(run: RunFolder) -> None:
    run.curve.write_text("steps,succ")
    run.cut_curve(100)
    run.append_curve({"steps": 100, "success": 0.5})
    assert run.curve.read_text() == "steps,success\n100,0.5\n"


def test_json_is_written_whole_and_without_nan(run: RunFolder) -> None:
    run.write_json("evaluation.json", {"success_rate": 0.5})
    assert json.loads((run.path / "evaluation.json").read_text()) == {"success_rate": 0.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.write_json("evaluation.json", {"success_rate": float("nan")})
    assert json.loads((run.path / "evaluation.json").read_text()) == {"success_rate": 0.5}


def test_an_evaluation_can_be_forgotten(run: RunFolder) -> None:
    run.forget_evaluation()
    assert not run.is_evaluated()
    run.write_json("evaluation.json", {})
    assert run.is_evaluated()
    run.forget_evaluation()
    assert not run.is_evaluated()


def test_a_curve_of_an_older_version_gets_the_columns_that_it_lacks(run: RunFolder) -> None:
    run.curve.write_text("steps,success,gone\n100,0.1,7\n200,0.2,8\n300,0")  # and its last row broke off
    run.append_curve({"steps": 300, "saturated": 0.25, "success": 0.3})
    run.append_curve({"steps": 400, "saturated": 0.5, "success": 0.4})
    assert run.curve.read_text() == (
        "steps,saturated,success,gone\n100,nan,0.1,7\n200,nan,0.2,8\n300,0.25,0.3,nan\n400,0.5,0.4,nan\n"
    )
    assert run.read_curve()["success"] == [0.1, 0.2, 0.3, 0.4]


def test_columns_that_are_not_known_any_more_stay(run: RunFolder) -> None:
    run.curve.write_text("success,steps\n0.1,100\n")
    run.append_curve({"steps": 200})
    assert run.curve.read_text() == "success,steps\n0.1,100\nnan,200\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps,success\n100,0.1\n200,many\n", "damaged: line 3: could not convert string to float: 'many'"),
        ("steps,success\n100\n200,0.1\n", "damaged: line 2: 2 numbers are expected, got 1"),
        ("when,success\n100,0.1\n", "damaged: line 1: the names of the columns are expected, among them steps"),
        ("\n\n", "damaged: line 1"),
    ],
)
def test_a_damaged_curve_is_refused(run: RunFolder, text: str, message: str) -> None:
    run.curve.write_text(text)
    with pytest.raises(BadInputError, match=message):
        run.read_curve()


def test_a_curve_that_is_no_text_is_refused(run: RunFolder) -> None:
    run.curve.write_bytes(b"steps\n\xff\xfe\n")
    with pytest.raises(BadInputError, match=r"curve\.csv can not be read"):
        run.read_curve()
