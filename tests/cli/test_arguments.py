"""Words that become values, and what is said when they do not."""

from pathlib import Path

import pytest

from roarm_lab.cli.arguments import MOST, whole_number
from roarm_lab.cli.main import STAGE_OF, main
from tests.cli.commands import roarm_without

ACTIONS = {
    "randomization": ("show", "check"),
    "robots": ("list", "show", "export"),
    "cameras": ("list", "preview", "measure", "check"),
}
PAGES = [
    *((verb,) for verb in STAGE_OF),
    *((verb, action) for verb, actions in ACTIONS.items() for action in actions),
]


@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_no_help_speaks_of_pythons_nothing_or_shows_markup(
    page: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*page, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown
    for word in ("{None", "NoneType", "default: None", "[bold", "[/", "class '"):
        assert word not in shown


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("-3", -3), ("1e6", 10**6), ("2_000_000", 2_000_000), ("2.5e3", 2500), ("3.0", 3)]
)
def test_a_whole_number_may_be_written_as_people_write_it(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["x", "", "2.5", "1e-3", "nan", "inf", "1e400", "0x10"])
def test_what_is_no_whole_number_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="a whole number is expected, got"):
        whole_number(text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train reach --seed x", "--seed: a whole number is expected, got 'x'."),
        ("train reach --total-timesteps 1.5", "--total-timesteps: a whole number is expected, got '1.5'."),
        ("eval b --min-success much", "--min-success: a number is expected, got 'much'."),
        ("train reach --trainer foo", "invalid choice 'foo' for argument '--trainer'"),
        ("train reach --nope 3", "Unrecognized options: --nope, 3."),
        ("run b --goal 1 2", "Missing value for argument '--goal'. Expected 3 values."),
        ("robots show", "ROBOT"),
        ("robots shw", "shw"),
    ],
)
def test_words_that_do_not_fit_are_said_in_one_line_as_all_errors_are(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("roarm: ")
    assert message in told.err
    assert f"What can be given: roarm {words.split(maxsplit=1)[0]} --help" in told.err
    assert told.err.count("\n") == 1
    assert "None" not in told.err


def test_control_characters_of_a_wrong_word_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "reach", "--seed", "\x1b[31mred"]) == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "train reach --num-envs 99999999999",
        "train reach --threads 100000",
        "train reach --total-timesteps 1e18",
        "eval b --episodes 1e12",
        "run b --episodes 1e12",
        "bench sim --worlds 1e12",
        "demo --goals 1e12",
    ],
)
def test_numbers_beyond_all_reason_are_refused_before_anything_is_written(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    name = words.split()[-2].removeprefix("--").replace("-", "_")
    assert f"must be at most {MOST[name]:,}, got" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("packages", "words", "named", "extras"),
    [
        ("torch,onnx", ("train", "reach"), ("onnx", "torch"), "train"),
        (
            "torch,skrl,wandb",
            ("train", "reach", "--trainer", "skrl", "--wandb", "x"),
            ("torch", "skrl", "wandb"),
            "skrl,wandb",
        ),
        ("ray,torch", ("sweep", "reach"), ("ray", "torch"), "sweep"),
        ("rsl_rl,tensordict", ("train", "reach", "--gpus", "2"), ("rsl_rl", "tensordict"), "rsl-rl"),
    ],
)
def test_all_that_is_missing_is_named_at_once(
    packages: str, words: tuple[str, ...], named: tuple[str, ...], extras: str, tmp_path: Path
) -> None:
    done = roarm_without(packages, *words, folder=tmp_path)
    assert done.returncode == 3
    last = done.stderr.strip().splitlines()[-1]
    assert all(f"'{name}'" in last for name in named)
    assert last.endswith(f"pip install 'roarm-lab[{extras}]'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("play", "--demo", "--export"), ("report", "run", "--out")], ids=" ".join)
def test_a_page_is_not_written_over_something_else(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "mine.sh"
    script.write_text("mine")
    assert main([*words, str(script), "--overwrite"]) == 2
    assert "writes a page: give a name that ends in .html" in capsys.readouterr().err
    assert script.read_text() == "mine"


def test_who_means_the_defaults_is_told_their_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "reach", "--runs", str(tmp_path), "--domain-randomization", "defaults"]) == 2
    assert "There is no file defaults. The defaults are meant by: default." in capsys.readouterr().err
