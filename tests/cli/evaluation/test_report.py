"""`roarm report`: the path is printed, mistakes are named, nothing is overwritten unasked."""

from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.rl.train import Trained
from tests.view.run_folder_fixture import write_run


def test_the_path_of_the_report_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run")
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    assert "96.9" in (run / "report.html").read_text(encoding="utf-8")


def test_the_report_of_a_run_is_renewed_without_asking(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run / "report.html").write_text("old")
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_file_given_by_out_is_only_replaced_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = write_run(tmp_path / "run"), tmp_path / "page.html"
    out.write_text("mine")
    assert main(["report", str(run), "--out", str(out)]) == 2
    assert "add --overwrite to replace it" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main(["report", str(run), "--out", str(out), "--overwrite"]) == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not (run / "report.html").exists()


def test_a_folder_that_is_no_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert f"{tmp_path} is not a run folder: it has no meta.json" in capsys.readouterr().err


def test_a_trained_run_is_shown_at_work(tiny_run: Trained, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(tiny_run.run.path), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    failed = tiny_run.evaluation.episodes - tiny_run.evaluation.successes
    assert f"Of 8\u00a0episodes of the evaluation, played again for this page, {failed or 'none'} failed" in text
    assert "<iframe" in text


def test_a_policy_that_can_not_be_played_is_no_reason_to_fail(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")  # its bundle has no network
    assert main(["report", str(run)]) == 0
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "The policy could not be played again for pictures and a replay." in text
    assert "<iframe" not in text
