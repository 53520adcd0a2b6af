"""Names are bytes: what can not be seen is shown as its number, and a command that is shown can be typed."""

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.core.shown import shell_words, shown, shown_text

NAMES = {
    "runs/a b": "runs/a b",
    "한글 é": "한글 é",
    os.fsdecode(b"a\xffb"): "a\\xffb",
    "a\x1b[2Jb\x07\x7f\x9b": "a\\x1b[2Jb\\x07\\x7f\\x9b",
    "a\u202eb\u2066\ufeff": "a\\u202eb\\u2066\\ufeff",
    "two\nlines\r\u2028": "two\\x0alines\\x0d\\u2028",
    "\U000e0041": "\\U000e0041",
}


@pytest.mark.parametrize("name", NAMES)
def test_what_can_not_be_seen_is_a_number(name: str) -> None:
    assert shown(name) == NAMES[name]


def test_text_keeps_its_lines() -> None:
    assert shown_text("a\n\tb\x1b\n") == "a\n\tb\\x1b\n"


@given(st.text())
def test_what_is_shown_is_one_line_that_every_encoding_of_unicode_takes(name: str) -> None:
    text = shown(name)
    assert len(text.splitlines()) <= 1
    text.encode()


@pytest.mark.parametrize("name", [*NAMES, "it's\x1b", "back\\slash\x01", "\u202e1f"])
def test_bash_makes_the_name_of_the_word_that_is_shown(name: str) -> None:
    command = f"printf %s {shell_words([name])}"
    assert shown(command) == command
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert done.stdout == os.fsencode(name)
