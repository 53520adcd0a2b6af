"""A policy that was trained on worlds that differ from each other is evaluated, watched and run without any flag."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.core.configs import Range
from roarm_lab.envs.randomization import DomainRandomization, randomization_yaml, randomized
from roarm_lab.tasks.reach import reach
from tests.bundles import still_bundle
from tests.cli.evaluation.test_eval import edit

SHIPPED = Path(__file__).parents[3] / "configs" / "domain_randomization.yaml"
WANTED = DomainRandomization(link_mass=Range(0.5, 2.0))
VERBS = (
    ("run", "run", "--fast", "--episodes", "1"),
    ("run", "run", "--arm", "emulator", "--fast", "--episodes", "1"),
    ("teleop", "--with", "policy", "--bundle", "run", "--seconds", "0.3"),
    ("play", "run", "--export", "page.html", "--episodes", "1"),
    ("eval", "run", "--episodes", "2"),
    ("eval", "run/bundle", "--episodes", "2"),
)
"""What the README offers for a run folder."""


@pytest.fixture
def run(folder: Path) -> Path:
    """Return what a randomised training leaves, as far as these verbs read it."""
    (folder / "run").mkdir()
    still_bundle(folder / "run" / "bundle", randomized(reach(), WANTED))
    (folder / "run" / "meta.json").write_text("{}")
    (folder / "run" / "domain_randomization.yaml").write_text(randomization_yaml(WANTED))
    return folder / "run"


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_randomised_policy_needs_no_flag(
    run: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(words) == 0
    err = capsys.readouterr().err
    assert "drift" not in err
    asked = words[0] in {"eval", "play"}
    assert (f"worlds      as in the training: {run / 'domain_randomization.yaml'}\n" in err) == asked


@pytest.mark.slow
def test_the_readmes_way_to_a_policy_for_a_real_arm_works_without_a_flag(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    few = ["--num-envs", "64", "--total-timesteps", "4096", "--eval-episodes", "8"]
    assert main(["train", "reach", *few, "--domain-randomization", str(SHIPPED)]) == 0
    assert "--allow-drift" not in capsys.readouterr().out
    (made,) = (folder / "runs").iterdir()
    made.rename(folder / "run")
    for words in VERBS:
        assert main(words) == 0, words
    assert main(["explain", "run", "--episodes", "4"]) == 1  # a finding: it has learned nothing
    assert "drift" not in capsys.readouterr().err


def test_the_runs_own_worlds_are_those_of_its_file(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "run", "--episodes", "16", "--json"]) == 0
    own = json.loads(capsys.readouterr().out)
    file = str(run / "domain_randomization.yaml")
    assert main(["eval", "run", "--episodes", "16", "--json", "--domain-randomization", file]) == 0
    named = json.loads(capsys.readouterr().out)
    assert (own.pop("worlds"), own.pop("drift")) == (f"as in the training: {file}", [])
    assert (named.pop("worlds"), named.pop("drift")) == (f"they differ as {file} says", [])
    assert own == named


def test_worlds_that_a_person_chooses_are_said_and_not_refused(
    folder: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still_bundle(folder / "nominal")
    (folder / "other.yaml").write_text("{}\n")
    for bundle in ("nominal", "run"):
        assert main(["eval", bundle, "--episodes", "2", "--domain-randomization", "other.yaml"]) == 0
        assert "worlds      they differ as other.yaml says\n" in capsys.readouterr().err


def test_a_bundle_away_from_its_run_says_that_its_worlds_are_nominal_here(
    folder: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "bundle").rename(folder / "alone")
    assert main(["eval", "alone", "--episodes", "2"]) == 0
    err = capsys.readouterr().err
    assert "worlds      nominal, while the policy was trained on worlds that differ" in err
    assert "--domain-randomization FILE" in err


def test_worlds_of_a_run_that_have_changed_since_are_refused(one_line: Callable[..., str], run: Path) -> None:
    (run / "domain_randomization.yaml").write_text("{}\n")
    message = one_line("eval", "run", "--episodes", "2")
    assert "randomization: trained on worlds that differ" in message
    assert "here in another way" in message


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_another_model_is_refused_all_the_same(one_line: Callable[..., str], run: Path, words: tuple[str, ...]) -> None:
    edit(run / "bundle", lambda data: data["provenance"]["hashes"].update(model="0" * 64))  # pyright: ignore
    message = one_line(*words)
    assert "model: trained on 000000000000, here" in message
    assert "randomization" not in message


def test_nominal_worlds_of_a_nominal_policy_are_no_question(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still_bundle(folder / "nominal")
    assert main(["eval", "nominal", "--episodes", "2", "--json"]) == 0
    captured = capsys.readouterr()
    assert "worlds" not in captured.err
    assert json.loads(captured.out)["worlds"] == "nominal"
