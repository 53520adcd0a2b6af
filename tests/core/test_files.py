"""Files are whole or absent, nothing is overwritten unasked, and results know where they came from."""

import hashlib
import math
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import canonical_json, new_file, new_folder, sha256_of, write_atomic
from roarm_lab.core.provenance import cpu_name, git_state, package_versions, provenance, usable_cores

# FIPS 180-2, appendix B.1: the digest of "abc".
SHA256_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_text_and_bytes_are_written_with_their_folder(tmp_path: Path) -> None:
    assert write_atomic(tmp_path / "a" / "b.txt", "größer\n").read_bytes() == "größer\n".encode()
    assert write_atomic(tmp_path / "a" / "c.bin", b"\x00\xff").read_bytes() == b"\x00\xff"


def test_an_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = write_atomic(tmp_path / "a.txt", "old")
    with pytest.raises(BadInputError, match=r"a\.txt exists already\. Give another name or add `overwrite=True`"):
        write_atomic(path, "new")
    assert path.read_text() == "old"


def test_overwrite_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write_atomic(tmp_path / "a.txt", "old")
    write_atomic(path, "new", overwrite=True)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    path = tmp_path / "a.txt"
    if overwrite:
        path.write_text("old")

    def disk_full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(BadInputError, match="No space left on device"):
        write_atomic(path, "new", overwrite=overwrite)
    assert [p.read_text() for p in tmp_path.iterdir()] == (["old"] if overwrite else [])


def test_a_file_that_appears_while_ours_is_written_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    monkeypatch.setattr(os, "fsync", lambda handle: path.write_text("theirs"))
    with pytest.raises(BadInputError, match="appeared meanwhile"):
        write_atomic(path, "ours")
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="no permission bits there")
def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    assert write_atomic(tmp_path / "a", "").stat().st_mode == usual.stat().st_mode


def test_a_folder_or_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="is a folder; a file is expected"):
        new_file(tmp_path / "folder", overwrite=True)
    with pytest.raises(BadInputError, match="is a file; a folder is expected"):
        new_folder(tmp_path / "file", overwrite=True)
    with pytest.raises(BadInputError, match="can not be made"):
        new_file(tmp_path / "file" / "below")


def test_an_empty_folder_is_as_good_as_new(tmp_path: Path) -> None:
    assert new_folder(new_folder(tmp_path / "runs" / "a")).is_dir()


def test_a_filled_folder_is_refused_with_the_callers_hint(tmp_path: Path) -> None:
    write_atomic(tmp_path / "run" / "a.txt", "")
    with pytest.raises(BadInputError, match="not empty. Give another name or use --resume to go on with it"):
        new_folder(tmp_path / "run", hint="use --resume to go on with it")
    assert (new_folder(tmp_path / "run", overwrite=True) / "a.txt").exists()


def test_a_link_to_nowhere_is_not_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="exists already"):
        write_atomic(tmp_path / "link", "x")


def test_sha256_is_the_published_one_for_text_bytes_and_files(tmp_path: Path) -> None:
    assert sha256_of("abc") == sha256_of(b"abc") == sha256_of(write_atomic(tmp_path / "a", "abc")) == SHA256_ABC


def test_canonical_json_sorts_keys_and_has_no_spaces() -> None:
    assert (
        canonical_json({"b": [1, 2.5, None], "a": {"z": True, "ä": "€"}}) == '{"a":{"z":true,"ä":"€"},"b":[1,2.5,null]}'
    )


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_canonical_json_does_not_know_in_which_order_a_dict_was_filled(values: dict[str, float]) -> None:
    assert canonical_json(values) == canonical_json(dict(reversed(values.items())))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {1, 2}, {"a": object()}])
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(BadInputError, match="can not be written as JSON"):
        canonical_json({"x": value})


def test_provenance_is_json_and_names_this_python() -> None:
    facts = provenance()
    assert canonical_json(facts)
    assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert re.match(r"\d+\.\d+", facts["packages"]["numpy"])
    age = datetime.now().astimezone() - datetime.fromisoformat(facts["time_utc"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert 1 <= usable_cores() <= facts["cpu_cores"]
    assert cpu_name()


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert package_versions(("no-such-package-here",)) == {"no-such-package-here": None}


def test_provenance_imports_none_of_the_packages_it_names() -> None:
    code = "import sys; from roarm_lab.core.provenance import provenance; provenance(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"numpy", "mujoco", "torch", "gymnasium", "onnxruntime", "tyro"}


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_git_state_is_the_revision_and_whether_a_tracked_file_changed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.txt").write_text("1")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-q", "-m", "one")
    revision = git(tmp_path, "rev-parse", "HEAD")
    assert git_state(tmp_path) == {"revision": revision, "dirty": False}
    (tmp_path / "a.txt").write_text("2")
    assert git_state(tmp_path) == {"revision": revision, "dirty": True}


def test_outside_a_checkout_and_in_its_untracked_folders_there_is_no_revision(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None
    git(tmp_path, "init", "-q")
    (tmp_path / ".venv").mkdir()
    assert git_state(tmp_path / ".venv") is None


@settings(deadline=None, max_examples=50)
@given(st.binary())
def test_sha256_of_bytes_is_hashlibs(data: bytes) -> None:
    assert sha256_of(data) == hashlib.sha256(data).hexdigest()


def test_the_name_of_a_file_read_without_utf_8_is_written_as_the_bytes_that_it_was(tmp_path: Path) -> None:
    name = "ü".encode().decode("ascii", errors="surrogateescape")  # as `os.fsdecode` does there
    assert write_atomic(tmp_path / "page.html", f"<p>{name}</p>").read_bytes() == "<p>ü</p>".encode()
