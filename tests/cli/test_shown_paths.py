"""A folder whose name a terminal can not show: every verb that says it says it readably, and none crashes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.cli.references import as_typed
from roarm_lab.workflows.learning.train import resume_call
from tests.bundles import wild_bundle
from tests.view.run_folder_fixture import write_run

NAME = os.fsdecode(b"a\xff\x1b[31m") + "\u202eb"
SHOWN = "a\\xff\\x1b[31m\\u202eb"


@pytest.fixture
def odd(folder: Path) -> Path:
    """Return a folder with such a name, in the working folder."""
    try:
        (folder / NAME).mkdir()
    except OSError:
        pytest.skip("this file system takes no such names")
    return Path(NAME)


@pytest.mark.parametrize(
    "words",
    [
        ("report", NAME),
        ("explain", NAME),
        ("eval", NAME),
        ("run", f"{NAME}/bundle"),
        ("play", NAME, "--export", "replay.html"),
        ("train", "--resume", NAME),
        ("demo", "--resume", NAME),
        ("sweep", "--resume", NAME),
        ("setup", "--list", "--station", f"{NAME}/station.yaml"),
        ("robots", "export", "roarm_m3", NAME, "--format", "mjcf"),
        ("randomization", "check", f"{NAME}/r.yaml"),
    ],
    ids=lambda words: words[0],
)
def test_a_message_names_the_folder_readably(
    words: tuple[str, ...], odd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(words)
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert SHOWN in said
    assert said.isascii() or "\u202e" not in said
    assert "\x1b[31m" not in said


def test_the_report_names_it_readably(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(odd / "run")
    assert main(["report", str(odd / "run")]) == 0
    assert capsys.readouterr().out == f"{SHOWN}/run/report.html\n"
    page = (odd / "run" / "report.html").read_bytes().decode()  # it is UTF-8
    assert SHOWN in page
    assert NAME not in page


def test_an_exported_model_and_a_setup_say_where_it_is(
    odd: Path, capsys: pytest.CaptureFixture[str], one_line: Callable[..., str]
) -> None:
    assert main(["robots", "export", "roarm_m3", str(odd / "arm.xml"), "--format", "mjcf"]) == 0
    assert capsys.readouterr().out == f"wrote {SHOWN}/arm.xml\n"
    wild_bundle(odd / "bundle")
    assert SHOWN in one_line("run", str(odd), "--stop-file", str(odd / "none" / "stop"))


def test_the_command_that_goes_on_with_a_run_can_be_read_and_typed(odd: Path) -> None:
    hint = as_typed(resume_call(odd, 2))
    assert hint == "roarm train --resume $'a\\xff\\x1b[31m\\xe2\\x80\\xaeb' --gpus 2"
