"""The report of a run: what it says, what it says when parts are missing, and that nothing in it can do harm."""

import re
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import pytest

from roarm_lab.cli.references import as_typed
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.interface import interface_of
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.view.report import write_report
from tests.view.run_folder_fixture import ARM_RUN, EVALUATION, INTERFACE, META, curve_rows, put, write_run

VOID = {"meta", "link", "img"}
LARGE_BYTES = 400_000  # a report that does not fit into an e-mail has a mistake in it; measured: 47 kB


class Page(HTMLParser):
    """The text of a page as a reader sees it, its elements, and whether every element is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.headings: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"h1", "h2"}:
            self.headings.append(data)
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def report(folder: Path, **replaced: object) -> Page:
    return Page(write_report(write_run(folder / "20260314-150926-reach-7", **replaced), typed=as_typed))


def test_settings_carry_the_name_of_their_algorithm_and_charts_without_a_number_are_left_out(tmp_path: Path) -> None:
    assert "PPO settings" in report(tmp_path / "ppo").text
    rows = [row | {"kl": nan, "std": nan} for row in curve_rows()]
    page = report(tmp_path / "sac", meta=META | {"settings": {"kind": "SacSettings", "gamma": 0.95}}, curve=rows)
    assert "SAC settings" in page.text
    assert "PPO settings" not in page.text
    assert "Learning rate" in page.text
    assert "KL divergence" not in page.text
    assert "Exploration noise" not in page.text


def rate_of(successes: int, episodes: int) -> dict[str, Any]:
    interval = list(wilson_interval(successes, episodes))
    return {"successes": successes, "episodes": episodes, "success_rate": successes / episodes, "interval": interval}


def test_the_question_comes_first_and_the_answer_next(tmp_path: Path) -> None:
    page = report(tmp_path)
    assert [heading.replace("\u00a0", " ") for heading in page.headings] == [
        "How often does this policy hold the fingertips within 2 cm of a random point at the end of 2 s?",
        "The answer",
        "Settings and origin",
        "How it learned",
        "Success by start",
        "Why it failed",
        "On the simulated arm",
        "How to repeat it",
    ]
    assert "stays below 2 cm, without a break, during its last 0.4 s" in page.text


def test_the_answer_has_its_interval_and_its_counts(tmp_path: Path) -> None:
    page = report(tmp_path)
    # Wilson, worked out apart: 496/512 gives 0.95003 to 0.98067.
    for words in ("96.9 %", "95 % interval: 95.0 to 98.1 %", "496 of 512 fresh random episodes", "0.85 s", "6.2 mm"):
        assert words in page.text
    assert "nine of ten ended within 14 mm (allowed: 20 mm)" in page.text
    assert "nine of ten were there for good after 1.25 s" in page.text
    assert "3 min 42 s for 753 664 environment steps, seed 7" in page.text


def test_every_region_has_a_row_with_its_interval(tmp_path: Path) -> None:
    page = report(tmp_path)
    for row in ("> 0.4 m 89.9 %", "82.4 to 94.4 % 99", "> 103 deg 90.8 %", "97.8 to 100.0 % 171"):
        assert row in page.text
    # One bar for the answer, nine regions, two for the arm.
    assert sum(dict(attrs).get("class") == "interval" for _, attrs in page.elements) == 12


def test_failures_come_most_frequent_first(tmp_path: Path) -> None:
    text = report(tmp_path).text
    order = [text.index(reason) for reason in ("never got there", "got there and left again", "got there too late")]
    assert order == sorted(order)
    assert "16 of 512 episodes failed" in text
    assert "never got there 11 68.8 %" in text


def test_no_failure_is_said_in_words(tmp_path: Path) -> None:
    text = report(tmp_path, evaluation=EVALUATION | rate_of(512, 512) | {"failures": {}}).text
    assert "It did not: 512 successes." in text


def test_no_success_is_said_in_words(tmp_path: Path) -> None:
    text = report(tmp_path, evaluation=EVALUATION | rate_of(0, 512) | {"time_to_success_s": None}).text
    assert "Time to success none no episode succeeded" in text
    assert "95 % interval: 0.0 to 0.7 %" in text


def test_a_diverged_simulation_is_not_hidden(tmp_path: Path) -> None:
    rows = curve_rows()
    rows[-1]["diverged"] = 2
    text = report(tmp_path, evaluation=EVALUATION | {"diverged": 3}, curve=rows).text
    assert "The simulation diverged in 3 episodes; they count as failures." in text
    assert "The simulation diverged 2 times during training." in text


def test_the_learning_curve_ends_at_the_evaluation(tmp_path: Path) -> None:
    page = report(tmp_path)
    titles = (
        "Success of the latest episodes",
        "Reward terms",
        "Exploration noise",
        "Learning rate",
        "Change of the policy",
    )
    for title in titles:
        assert title in page.text
    assert "evaluation without noise, 95 % interval" in page.text
    assert "environment steps [thousand]" in page.text
    assert "aim: 0.012" in page.text
    lines = [attributes for tag, attributes in page.elements if tag == "path" and "class" in attributes]
    assert len(lines) == 1 + 5 + 1 + 1 + 1


def test_a_curve_of_nan_only_is_said_in_words(tmp_path: Path) -> None:
    rows = [
        {name: value if name in ("steps", "wall_s") else nan for name, value in row.items()} for row in curve_rows(3)
    ]
    page = report(tmp_path, curve=rows)
    assert "No episode had ended when this curve was written" in page.text
    assert not any(tag == "path" for tag, _ in page.elements)


def test_a_long_curve_is_averaged_and_says_so(tmp_path: Path) -> None:
    page = report(tmp_path, curve=curve_rows(5000))
    assert "Each point is the mean of up to 13 of 5 000 rollouts." in page.text
    assert "environment steps [million]" in page.text
    assert len(page.source) < LARGE_BYTES


def test_an_interrupted_run_says_how_far_it_got_and_how_to_go_on(tmp_path: Path) -> None:
    text = report(tmp_path, interface=None, evaluation=None, arm_run=None, curve=curve_rows(10)).text
    assert "hold the fingertips within 2 cm of a random point at the end of 2 s?" in text  # from the settings
    assert "There is no answer yet: this run has trained for 81 920 steps and has not been evaluated." in text
    assert "81 920 of 750 000 planned" in text
    assert "roarm train --resume" in text
    assert "roarm eval" not in text
    assert "roarm run " not in text


def test_a_run_stopped_at_once_says_so(tmp_path: Path) -> None:
    text = report(tmp_path, interface=None, evaluation=None, arm_run=None, curve=None).text
    assert "stopped before its first rollout ended" in text
    assert "environment steps none yet" in text


def test_an_evaluation_of_an_earlier_policy_is_marked(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", evaluation=None)
    put(run / "evaluation.json", EVALUATION)
    assert "This evaluation belongs to an earlier policy of this run" in Page(write_report(run)).text


def test_a_run_on_the_arm_is_compared_with_the_evaluation(tmp_path: Path) -> None:
    text = report(tmp_path).text
    assert "on the arm 90.0 %" in text
    assert "The difference to the evaluation is \u22126.9 percentage points" in text
    assert "The two do not contradict each other." in text
    assert "half at most 0.084 ms, 99 % at most 0.41 ms, the worst 2.4 ms" in text
    assert "7.7 mm (median)" in text  # of 4.8 5.1 5.9 6.4 7.1 8.3 9.2 11.2 14.5 38.7 mm: the mean of 7.1 and 8.3


def test_an_arm_that_does_worse_is_called_so_with_its_holds(tmp_path: Path) -> None:
    worse = ARM_RUN | {"successes": 2, "held": ["observation too old", "joint <b> at its limit", "observation too old"]}
    text = report(tmp_path, arm_run=worse).text
    assert "The arm did worse: look first at how late cycles began and at the holds." in text
    assert "2 \u00d7 observation too old; 1 \u00d7 joint <b> at its limit" in text


def test_an_arm_run_without_evaluation_or_goals_is_said_in_words(tmp_path: Path) -> None:
    alone = report(tmp_path / "a", evaluation=None).text
    assert "on the arm 90.0 %" in alone
    assert "difference to the evaluation" not in alone
    bare = report(tmp_path / "b", arm_run={"arm": "sim", "goals": 0, "successes": 0}).text
    assert "No goal was finished, so there is nothing to count." in bare
    assert "pace not recorded how late cycles began not recorded" in bare
    fast = report(tmp_path / "c", arm_run=ARM_RUN | {"real_time": False}).text
    assert "pace as fast as it goes how late cycles began means nothing at this pace" in fast


def test_what_nobody_could_judge_is_unknown(tmp_path: Path) -> None:
    rows = [{"distance_m": 0.01, "success": None}] * 2 + [{"distance_m": 0.3, "success": False}]
    unjudged = {"arm": "wire", "goals": 3, "successes": 0, "success_rate": None, "interval": None, "episodes": rows}
    text = report(tmp_path, arm_run=ARM_RUN | unjudged).text
    assert "Whether it succeeded is unknown" in text
    assert "goals reached and held unknown; 0 of 3 for sure" in text
    assert "1 10 mm unknown 2 10 mm unknown 3 0.30 m missed" in text
    assert "on the arm 0.0" not in text


def test_settings_tell_what_was_run_where_and_with_which_versions(tmp_path: Path) -> None:
    page = report(tmp_path)
    for words in (
        "robot roarm_m3", "seed 7", "evaluation 512 episodes, seed 1000010", "total_timesteps 750 000", "gamma 0.95",
        "hidden 128, 128", "AMD Ryzen 5 5600U with Radeon Graphics", "12, 8 usable", "mujoco 3.17.0",
        "onnx not installed", "with changes that were not committed", "policy " + "6f" * 32,
        "2026-03-14T15:09:26+00:00",
        "+0.211 per step in the evaluation SiteNearGoal(weight=0.25, command=goal, scale_m=0.2)",
    ):  # fmt: skip
        assert words in page.text
    assert all("open" not in attrs for tag, attrs in page.elements if tag == "details")


def test_the_commands_can_be_typed_as_they_stand(tmp_path: Path) -> None:
    run = write_run(
        tmp_path / "my runs" / "a", meta=META | {"command": ["roarm", "train", "reach", "--runs", "my runs"]}
    )
    text = Page(write_report(run, typed=as_typed)).text
    assert "roarm train reach --runs 'my runs'" in text
    assert f"roarm eval '{run}' --episodes 512 --seed 1000010" in text
    assert f"roarm run '{run}' --arm sim" in text


def test_a_randomised_run_says_how_to_evaluate_it_on_the_same_worlds(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", meta=META | {"randomization": {"config": {}, "drawn": {}}})
    text = Page(write_report(run, typed=as_typed)).text
    assert f"--seed 1000010 --domain-randomization {run}/domain_randomization.yaml" in text
    assert f"roarm run {run} --arm sim" in text
    assert "--allow-drift" not in text


@pytest.mark.parametrize("missing", ["command", "settings", "env", "hashes", "provenance", "seed", "task", "device"])
def test_settings_that_were_not_recorded_do_not_stop_the_report(tmp_path: Path, missing: str) -> None:
    meta = {name: value for name, value in META.items() if name != missing}
    assert "How to repeat it" in report(tmp_path, meta=meta).headings


def test_a_task_with_a_box_is_asked_about_in_its_own_words(tmp_path: Path) -> None:
    page = report(tmp_path, interface=INTERFACE | interface_of(lift_cube()))
    assert page.headings[0].replace("\u00a0", " ") == (
        "How often does this policy hold the cube in the gripper within 2.5 cm of a random point in the air at the end "
        "of 3 s?"
    )
    assert "stays below 2.5 cm and every jaw touches the cube, without a break, during its last 0.4 s" in page.text


def test_an_unknown_task_is_asked_about_by_its_name(tmp_path: Path) -> None:
    interface = INTERFACE | {"success": {"kind": "CubeLifted", "params": {"height_m": 0.1}}}
    page = report(tmp_path, interface=interface, meta=META | {"task": "lift-<cube>"})
    assert page.headings[0] == "How often does this policy succeed at the task 'lift-<cube>'?"


def test_nothing_that_came_from_a_file_becomes_markup(tmp_path: Path) -> None:
    evil = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"
    region = EVALUATION["regions"][0] | {"name": evil, "range": evil}
    evaluation = EVALUATION | {"regions": [region], "failures": {evil: 16}, "reward_per_step": {evil: 1.0}}
    meta = META | {
        "task": evil, "seed": evil, "device": evil, "command": [evil], "settings": {evil: evil, "gamma": [evil]},
        "env": {"rewards": {evil: {"kind": evil, evil: evil}}},
        "provenance": {"cpu": evil, "packages": {evil: evil}, "git": {"revision": evil}},
    }  # fmt: skip
    arm = ARM_RUN | {"arm": evil, "held": [evil]}
    interface = INTERFACE | {"robot": evil, "success": {"kind": "SiteHeldAtGoal", "params": {"site": evil}}}
    rows = [row | {f"reward_{evil}": 0.5} for row in curve_rows(5)]
    page = report(tmp_path, evaluation=evaluation, meta=meta, arm_run=arm, interface=interface, curve=rows)
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "img", "iframe", "object", "a"})
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert page.text.count("<script>alert(1)</script>") > 10  # it is there, as text


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    page = report(tmp_path)
    assert "://" not in page.source
    assert "url(" not in page.source
    assert "@import" not in page.source
    links = [attrs.get("href") or attrs.get("src") for _, attrs in page.elements if "href" in attrs or "src" in attrs]
    assert links == ["data:,"]
    assert "default-src &#x27;none&#x27;" in page.source


def test_pictures_have_titles_and_tables_have_heads(tmp_path: Path) -> None:
    page = report(tmp_path)
    pictures = re.findall(r'<svg role="img".*?>(<.*?>)', page.source)
    assert len(pictures) == 12 + 5
    assert set(pictures) == {"<title>"}
    tables = re.findall(r"<table.*?</table>", page.source, flags=re.DOTALL)
    assert len(tables) > 1
    for table in tables:
        assert re.search(r'<th scope="(row|col)"', table)


def test_the_same_files_give_the_same_report(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert write_report(run, tmp_path / "a.html").read_bytes() == write_report(run, tmp_path / "b.html").read_bytes()


def test_the_report_lies_in_the_run_folder_unless_told_otherwise(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert write_report(run) == run / "report.html"
    assert write_report(run) == run / "report.html"  # renewed
    elsewhere = tmp_path / "new" / "page.html"
    assert write_report(run, elsewhere, overwrite=False) == elsewhere
    with pytest.raises(BadInputError, match=r"page\.html exists already"):
        write_report(run, elsewhere, overwrite=False)


def test_a_damaged_run_leaves_an_old_report_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    old = write_report(run).read_bytes()
    (run / "evaluation.json").write_text("{")
    with pytest.raises(BadInputError, match=r"evaluation\.json can not be read"):
        write_report(run)
    assert (run / "report.html").read_bytes() == old
