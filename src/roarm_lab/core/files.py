"""Files that are whole or absent: written beside their name, then renamed; nothing is overwritten unasked."""

import hashlib
import itertools
import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import BadInputError

OVERWRITE_HINT = "add `overwrite=True` to replace it"


def new_file(path: Path | str, overwrite: bool = False, *, hint: str = OVERWRITE_HINT) -> Path:
    """Return `path` after checking that a file may be written there; its folder is made if needed.

    Args:
        path: Where the file will be.
        overwrite: An existing file is no reason to refuse.
        hint: What the message tells the user to do instead.

    Raises:
        BadInputError: Something is there already, or the folder can not be made.
    """
    path = Path(path)
    if path.is_dir():
        raise BadInputError(f"{path} is a folder; a file is expected. Give a file name inside it.")
    if not overwrite and _is_taken(path):
        raise BadInputError(f"{path} exists already. Give another name or {hint}.")
    _make_folder(path.parent)
    return path


def new_folder(path: Path | str, overwrite: bool = False, *, hint: str = OVERWRITE_HINT) -> Path:
    """Return the folder `path`, made if needed. One that exists and is empty is as good as new.

    With `overwrite` a filled folder is kept as it is: what is written next replaces files of the same name, and
    nothing else is deleted.

    Raises:
        BadInputError: The folder has files in it, or is a file, or can not be made.
    """
    path = Path(path)
    if _is_taken(path) and not path.is_dir():
        raise BadInputError(f"{path} is a file; a folder is expected. Give another name.")
    if not overwrite and path.is_dir() and any(path.iterdir()):
        raise BadInputError(f"The folder {path} exists already and is not empty. Give another name or {hint}.")
    _make_folder(path)
    return path


def run_near(path: Path) -> str:
    """Return what a person may mean by a path that is no run folder: the run that holds it, or the newest in it."""
    inside = sorted(found.parent for found in path.glob("*/meta.json"))
    near = path.parent if (path.parent / "meta.json").is_file() else inside[-1] if inside else None
    return f"Do you mean {near}?" if near else "Each training makes one, under runs/."


def new_timed_folder(root: Path | str, *words: object) -> Path:
    """Return the new folder `<root>/<local time>-<words>`; where another one has that name, it ends in -2, -3, ...

    Of two programs that ask in the same second each gets a folder of its own.

    Raises:
        BadInputError: It can not be made.
    """
    stem = "-".join((f"{datetime.now().astimezone():%Y%m%d-%H%M%S}", *map(str, words)))
    _make_folder(Path(root))
    for number in itertools.count(1):
        path = Path(root) / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise _no_folder(path, error) from error
        return path
    raise AssertionError("counting does not end")


def write_atomic(path: Path | str, data: bytes | str, *, overwrite: bool = False) -> Path:
    """Write `data` (text as UTF-8) to `path` and return it; a reader sees the old file or the new one, never a half.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and take the name at the end.

    Raises:
        BadInputError: `path` exists and `overwrite` is False, or it can not be written.
    """
    path = new_file(path, overwrite)
    # Without a UTF-8 locale Python reads names of files as bytes in disguise; here they become the same bytes again.
    raw = data.encode(errors="surrogateescape") if isinstance(data, str) else data
    part = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        _take_name(part, path, overwrite)
    except OSError as error:
        raise BadInputError(f"{path} can not be written: {error.strerror}. Choose another place.") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def sha256_of(data: bytes | str | Path) -> str:
    """Return the SHA-256 of bytes, of a text as UTF-8, or of the content of the file at a Path, as 64 hex digits."""
    if isinstance(data, Path):
        with data.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def canonical_json(obj: Any) -> str:
    """Return `obj` as the one JSON text for its value: keys sorted, no spaces, UTF-8 characters as they are.

    Equal values give equal texts, so `sha256_of(canonical_json(obj))` names a configuration.

    Raises:
        BadInputError: A number is NaN or infinite (JSON has no word for it), or a value is of no JSON type.
    """
    try:
        return json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise BadInputError(f"This can not be written as JSON: {error}. Replace the value or leave it out.") from error


def _is_taken(path: Path) -> bool:
    """Whether the name is in use; a link to nowhere counts."""
    return path.exists() or path.is_symlink()


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_folder(path, error) from error


def _no_folder(path: Path, error: OSError) -> BadInputError:
    return BadInputError(f"The folder {path} can not be made: {error.strerror}. Choose another place.")


def _take_name(part: Path, path: Path, overwrite: bool) -> None:
    """Give the finished file its name; without `overwrite` a file that appeared meanwhile is kept."""
    if overwrite:
        part.replace(path)
        return
    try:
        os.link(part, path)  # unlike a rename, fails when the name was taken meanwhile
    except FileExistsError as error:
        raise BadInputError(f"{path} appeared meanwhile. Give another name or {OVERWRITE_HINT}.") from error
    except OSError:  # a file system without hard links
        part.replace(path)
