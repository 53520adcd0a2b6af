"""New folders named by time."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_timed_folder


def test_the_name_is_time_and_words(tmp_path: Path) -> None:
    made = new_timed_folder(tmp_path / "runs", "reach", 3)
    assert made.is_dir()
    assert made.parent == tmp_path / "runs"
    assert re.fullmatch(r"\d{8}-\d{6}-reach-3", made.name)
    assert re.fullmatch(r"\d{8}-\d{6}", new_timed_folder(tmp_path).name)


def test_everybody_who_asks_at_once_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_timed_folder(tmp_path, "reach"), range(40)))
    assert len(set(made)) == 40


def test_a_place_that_can_not_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="file can not be made: File exists"):
        new_timed_folder(tmp_path / "file")
    with pytest.raises(BadInputError, match="can not be made: File name too long"):
        new_timed_folder(tmp_path, "x" * 300)
