"""Run folders are read with checks; what is damaged is named."""

import re
from collections.abc import Callable
from math import isnan, nan
from pathlib import Path
from typing import Any

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.runs.run_reader import read_run, thinned, wall_time_s
from tests.view.run_folder_fixture import ARM_RUN, EVALUATION, META, curve_rows, put, write_run


def test_a_finished_run_has_all_its_parts(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run"))
    assert run.evaluation is not None
    assert run.contract is not None
    assert run.curve is not None
    assert run.arm_run is not None
    assert (run.evaluation.successes, run.evaluation.episodes) == (496, 512)
    assert len(run.evaluation.regions) == 9
    assert len(run.curve["steps"]) == 92
    assert isnan(run.curve["success"][0])
    assert run.arm_run.late_ms == (("p50", 0.084), ("p99", 0.41), ("max", 2.37))
    assert not run.stale


def test_a_run_that_has_only_begun_has_only_its_settings(tmp_path: Path) -> None:
    put(tmp_path / "run" / "meta.json", META)
    run = read_run(tmp_path / "run")
    assert (run.contract, run.evaluation, run.curve, run.arm_run) == (None, None, None, None)


def test_no_folder_and_another_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"There is no run folder .*nowhere\. Each training makes one"):
        read_run(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match=r"is not a run folder: it has no meta\.json. Each training makes one"):
        read_run(tmp_path)


def test_a_path_beside_a_run_names_the_run_that_may_be_meant(tmp_path: Path) -> None:
    write_run(tmp_path / "20260314-150926-reach-0")
    run = write_run(tmp_path / "20260315-090000-reach-0")
    for path in (tmp_path, run / "bundle"):
        with pytest.raises(BadInputError, match=rf"it has no meta\.json\. Do you mean {re.escape(str(run))}\?"):
            read_run(path)
    with pytest.raises(BadInputError, match=rf"There is no run folder .*html\. Do you mean {re.escape(str(run))}\?"):
        read_run(run / "report.html")


@pytest.mark.parametrize("name", ["meta.json", "evaluation.json", "arm_run.json", "bundle/contract.json"])
@pytest.mark.parametrize("content", [b"", b'{"task": "rea', b"[]", b"\xff\xfe\x00"], ids=repr)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    run = write_run(tmp_path / "run")
    (run / name).write_bytes(content)
    with pytest.raises(BadInputError, match=name.replace(".", r"\.")):
        read_run(run)


def without(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda data: {name: value for name, value in data.items() if name != key}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("episodes"), r"'episodes' must be a whole number from 1, got nothing"),
        (lambda data: data | {"episodes": 0}, "'episodes' must be a whole number from 1, got 0"),
        (lambda data: data | {"successes": 513}, r"'successes' must be 512 or less \(episodes\), got 513"),
        (lambda data: data | {"successes": True}, "'successes' must be a whole number"),
        (lambda data: data | {"success_rate": 0.5}, "'success_rate' must be successes / episodes = 496/512, got 0.5"),
        (lambda data: data | {"success_rate": nan}, "not valid JSON: NaN is not a number"),
        (
            lambda data: data | {"succeses": 3},
            " has an unknown key 'succeses'. Did you mean 'successes'",
        ),
        (lambda data: data | {"regions": [data["regions"][0] | {"rate": 1}]}, r"regions: 0 has an unknown key 'rate'"),
        (lambda data: data | {"interval": [0.9]}, "interval is damaged: 'high' must be a number"),
        (
            lambda data: data | {"interval": [0.9, 0.8]},
            "interval is damaged: 'high' must be a number from 0.9 to 1, got 0.8",
        ),
        (lambda data: data | {"regions": [3]}, "regions is damaged: '0' must be an object, got 3"),
        (lambda data: data | {"regions": {}}, "'regions' must be a list"),
        (lambda data: data | {"failures": {"late": -1}}, "failures is damaged: 'late' must be a whole number"),
        (lambda data: data | {"final_distance_m": None}, "'final_distance_m' must be an object, got None"),
        (lambda data: data | {"task": 3}, "'task' must be a text, got 3"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(
    tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], message: str
) -> None:
    run = write_run(tmp_path / "run")
    put(run / "evaluation.json", change(EVALUATION))
    with pytest.raises(BadInputError, match=rf"evaluation\.json.*{message}"):
        read_run(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held": [3]}, "'held' must be a list of texts"),
        ({"episodes": [{"distance_m": 0.1, "success": 1}]}, "'success' must be true or false, got 1"),
        ({"episodes": [{"distance_m": -0.1, "success": True}]}, "'distance_m' must be a number from 0, got -0.1"),
        ({"episodes": [{"distance_m": 0.1}]}, "'success' must be true or false, got nothing"),
        ({"cycle_late_ms": {"p50": "fast"}}, "'p50' must be a number, got 'fast'"),
    ],
)
def test_a_wrong_value_of_the_arm_run_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    run = write_run(tmp_path / "run", arm_run=ARM_RUN | change)
    with pytest.raises(BadInputError, match=rf"arm_run\.json.*{message}"):
        read_run(run)


def test_what_an_arm_run_may_leave_out(tmp_path: Path) -> None:
    bare = {"arm": "sim", "goals": 0, "successes": 0}
    found = read_run(write_run(tmp_path / "run", arm_run=bare)).arm_run
    assert found is not None
    assert (found.interval, found.late_ms, found.held, found.episodes) == (None, (), (), ())


def test_an_arm_run_that_nobody_could_judge_is_read(tmp_path: Path) -> None:
    rows = [{"distance_m": 0.01, "success": None}, {"distance_m": 0.02, "success": True}]
    unjudged = {"arm": "wire", "goals": 2, "successes": 1, "success_rate": None, "interval": None, "episodes": rows}
    found = read_run(write_run(tmp_path / "run", arm_run=unjudged)).arm_run
    assert found is not None
    assert (found.goals, found.successes, found.interval) == (2, 1, None)
    assert found.episodes == ((0.01, None), (0.02, True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps,success\n1,0\n", "line 1 must name the columns wall_s"),
        ("steps,wall_s,success\n1,2,x\n", "line 2: could not convert string to float: 'x'"),
        ("steps,wall_s,success\n1,2\n3,4,5\n", "line 2: 3 numbers are expected, got 2"),
        ("steps,wall_s,success\nnan,2,0.5\n3,4,5\n", "line 2: steps must be a finite number"),
    ],
)
def test_a_damaged_curve_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    run = write_run(tmp_path / "run")
    (run / "curve.csv").write_text(text)
    with pytest.raises(BadInputError, match=rf"curve\.csv is damaged: {message}"):
        read_run(run)


def test_a_row_cut_short_by_a_kill_is_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    with (run / "curve.csv").open("a") as file:
        file.write("761856,225.")
    curve = read_run(run).curve
    assert curve is not None
    assert curve["steps"] == [row["steps"] for row in curve_rows()]


def test_a_curve_without_rows_is_none(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    for text in ("", "steps,wall_s,success\n", "steps,wall_s,success\n819"):
        (run / "curve.csv").write_text(text)
        assert read_run(run).curve is None


def test_an_evaluation_of_an_earlier_policy_is_noticed(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", evaluation=None)  # the bundle was written anew, its evaluation is still missing
    put(run / "evaluation.json", EVALUATION)
    assert read_run(run).stale


def test_training_time_goes_on_where_a_run_was_resumed() -> None:
    # 10 s, then the clock began again: 7 s more.
    assert wall_time_s({"wall_s": [5.0, 10.0, 3.0, nan, 7.0]}) == 17.0


def test_thinning_averages_neighbours_and_keeps_gaps() -> None:
    assert thinned([1.0, 3.0, 5.0, nan, 8.0], 3) == [2.0, 5.0, 8.0]
    assert thinned([1.0, nan, 3.0], 3)[0::2] == [1.0, 3.0]
    assert [isnan(value) for value in thinned([nan, nan, 1.0, 2.0], 2)] == [True, False]
