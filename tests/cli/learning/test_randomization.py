"""What differs from world to world can be shown and checked; training and evaluation take it from a file."""

import json
from pathlib import Path

import pytest

from roarm_lab.cli.learning.randomization import rows
from roarm_lab.cli.main import main
from roarm_lab.core.configs import Range
from roarm_lab.envs.interface import hashes_of
from roarm_lab.envs.randomization import DomainRandomization, load_randomization, randomized
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import DriftError
from roarm_lab.tasks.reach import reach
from roarm_lab.workflows.bundle_check import check_task

SHIPPED = Path(__file__).parents[3] / "configs" / "domain_randomization.yaml"


def test_show_has_a_row_with_unit_and_meaning_for_every_quantity(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["randomization", "show"]) == 0
    text = capsys.readouterr().out
    for name, *_ in rows(DomainRandomization()):
        assert name in text
    by_name = {name: rest for name, *rest in rows(DomainRandomization())}
    assert by_name["box_mass_kg"] == ["0.02", "0.08", "kg", "mass of each box"]
    assert by_name["box_pos_noise_m"][:3] == ["", "0.002", "m"]
    assert all(unit and text for *_, unit, text in rows(DomainRandomization()))


def test_show_says_what_is_switched_off() -> None:
    wanted = DomainRandomization(link_mass=Range(1.0, 1.0), action_delay_s=Range(0.0, 0.0), joint_pos_noise_rad=0.0)
    off = {name for name, low, high, *_ in rows(wanted) if (low, high) == ("off", "off")}
    assert off == {"link_mass", "action_delay_s", "joint_pos_noise_rad"}


def test_check_says_that_a_file_is_sound_and_what_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["randomization", "check", str(SHIPPED)]) == 0
    assert "is sound; other than the default: nothing" in capsys.readouterr().out
    (tmp_path / "mine.yaml").write_text("link_mass: {high: 1.5}\n", encoding="utf-8")
    assert main(["randomization", "check", str(tmp_path / "mine.yaml")]) == 0
    assert "other than the default: link_mass" in capsys.readouterr().out


@pytest.mark.parametrize("verb", [["randomization", "check"], ["randomization", "show"]])
def test_a_bad_file_is_bad_input(verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text("link_mas: {high: 1.5}\n", encoding="utf-8")
    assert main([*verb, str(tmp_path / "bad.yaml")]) == 2
    assert "Did you mean 'link_mass'" in capsys.readouterr().err


def test_training_with_a_bad_file_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    (tmp_path / "bad.yaml").write_text("link_mass: {low: 3.0}\n", encoding="utf-8")
    words = ["train", "reach", "--runs", str(tmp_path / "runs"), "--domain-randomization", str(tmp_path / "bad.yaml")]
    assert main(words) == 2
    assert "low <= high" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_randomised_training_keeps_what_it_drew_and_can_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from roarm_lab.envs.env import Env

    (tmp_path / "mine.yaml").write_text("link_mass: {low: 0.5, high: 2.0}\n", encoding="utf-8")
    wanted = load_randomization(tmp_path / "mine.yaml")
    few = ["--num-envs", "64", "--total-timesteps", "4096", "--eval-episodes", "8"]
    words = ["train", "reach", *few, "--runs", str(tmp_path / "runs"), "--seed", "5"]
    assert main([*words, "--domain-randomization", str(tmp_path / "mine.yaml")]) == 0
    (run,) = (tmp_path / "runs").iterdir()
    out = capsys.readouterr().out
    assert f"--domain-randomization {run / 'domain_randomization.yaml'}" in out
    assert load_randomization(run / "domain_randomization.yaml") == wanted
    meta = json.loads((run / "meta.json").read_text(encoding="utf-8"))
    twin = Env(randomized(reach(), wanted), 64, seed=5)
    twin.reset()
    mass = twin.drawn["randomize.link_mass"]
    assert meta["randomization"]["drawn"]["link_mass"]["max"] == pytest.approx(float(mass.max()))
    assert meta["randomization"]["config"]["link_mass"] == {"kind": "Range", "low": 0.5, "high": 2.0}

    bundle = load_bundle(run)
    assert bundle.contract.hashes["randomization"] == hashes_of(twin.config)["randomization"]
    assert check_task(bundle, allow_drift=False, randomization=wanted)[1] == []
    with pytest.raises(DriftError, match="trained on worlds that differ.*here all worlds are nominal"):
        check_task(bundle, allow_drift=False)
    assert main(["eval", str(run), "--episodes", "4", "--domain-randomization", str(tmp_path / "mine.yaml")]) == 0
    assert main(["train", "--resume", str(run), "--total-timesteps", "8192"]) == 0
    assert load_bundle(run).contract.hashes["randomization"] == bundle.contract.hashes["randomization"]


def test_the_defaults_can_be_written_as_a_file_and_named_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["randomization", "show", "--yaml"]) == 0
    Path("my.yaml").write_text(capsys.readouterr().out)
    assert load_randomization(Path("my.yaml")) == load_randomization(Path("default")) == DomainRandomization()
    assert main(["randomization", "check", "my.yaml"]) == 0
    assert "other than the default: nothing" in capsys.readouterr().out
