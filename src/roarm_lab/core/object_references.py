"""Objects that a user names by a reference: `file.py:name`, `package.module:name`, or what an installed package offers.

A file is loaded under its own name, after everything else on Python's path, so that what it defines can be pickled and
a file called like a standard module does not take that one's place. It is read again when it has changed.
"""

import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import CodeType, ModuleType

from roarm_lab.core.errors import BadInputError, RoarmLabError, UnknownNameError

_LOADED: dict[Path, tuple[tuple[int, int], ModuleType]] = {}
"""File -> when it was last changed and its size, and what came of it."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is looked for."""

    noun: str
    """What a person calls it."""
    group: str
    """Under which group of entry points an installed package offers it."""
    example: str
    """A reference to one."""
    fits: Callable[[object, str], bool]
    """Whether an object, found in a module of that name, may be one: for saying what there is."""


def short_name(reference: str) -> str:
    """Return what to call an object in the name of a folder or in a title: of a reference its last part."""
    return re.sub(r"[/\\]", "_", reference.rpartition(":")[2])


def is_reference(text: str) -> bool:
    """Whether a text names a file or a module, and not what a table or an installed package has."""
    return ":" in text or text.endswith(".py")


def find_object(kind: Kind, text: str, table: Iterable[str]) -> tuple[str, object]:
    """Return the object that a text names, and the text that names it from any folder.

    Args:
        kind: What is looked for.
        text: `file.py:name`, `package.module:name` or the name of an entry point.
        table: What else there is by name, for the error.

    Raises:
        UnknownNameError: There is no such object.
        BadInputError: Its file or module is not there, raises while it is loaded, or does not have it.
    """
    if not is_reference(text):
        return text, _of_package(kind, text, table)
    source, _, name = text.rpartition(":")
    if text.endswith(".py"):
        source, name = text, ""
    if source.endswith(".py"):
        file = _file_of(source, kind)
        return f"{file}:{name}", _part(kind, load_file(file), source, name)
    return text, _part(kind, _load_module(source, kind), source, name)


def absolute(text: str) -> str:
    """Return a reference that means the same in every folder; a text that names no file stays as it is."""
    source, _, name = text.rpartition(":")
    return f"{os.path.abspath(source)}:{name}" if source.endswith(".py") and Path(source).is_file() else text  # noqa: PTH100


def offered(group: str) -> Mapping[str, EntryPoint]:
    """Return what installed packages offer, by name, without loading it.

    Raises:
        BadInputError: Two packages offer the same name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        if entry.name in found and found[entry.name].value != entry.value:
            raise BadInputError(
                f"Two installed packages offer {entry.name!r} ({group}): {package_of(found[entry.name])} and "
                f"{package_of(entry)}. Uninstall one of them."
            )
        found[entry.name] = entry
    return found


def package_of(entry: EntryPoint) -> str:
    """Return the name of the package that offers something."""
    return entry.dist.name if entry.dist is not None else entry.value


def load_file(file: Path) -> ModuleType:
    """Return the module that a file makes; the same one until the file changes.

    Raises:
        BadInputError: It raises while it is loaded; the text names the line.
    """
    now = file.stat()
    stamp = (now.st_mtime_ns, now.st_size)
    if file in _LOADED and _LOADED[file][0] == stamp:
        return _LOADED[file][1]
    name = _module_name(file)
    before = sys.modules.get(name)
    if before is None or file in _LOADED or not _is_from(before.__dict__.get("__file__"), file):
        module = _executed(name, file, before)
    else:
        module = before  # imported already, by a user's own program or another file
    _LOADED[file] = (stamp, module)
    return module


def raised_in_words(error: BaseException, file: Path | str | None) -> str:
    """Return what was raised and on which line of a file; where it is not of that file, in which one."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        place, line = error.filename, error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if file is not None and frame.filename == str(file)]
        own = own or [frame for frame in frames if not frame.filename.startswith("<")]
        place, line = own[-1].filename, own[-1].lineno
    text = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{place}, line {line}: {type(error).__name__}: {text}"


def _of_package(kind: Kind, name: str, table: Iterable[str]) -> object:
    """Return what an installed package offers under a name."""
    entries = offered(kind.group)
    if name not in entries:
        error = UnknownNameError(kind.noun, name, {*table, *entries})
        error.args = (f"{error} A {kind.noun} of your own is named with its file: {kind.example}.",)
        raise error
    try:
        return entries[name].load()
    except RoarmLabError:
        raise
    except (Exception, SystemExit) as error:
        raise BadInputError(
            f"The {kind.noun} {name!r} of the package {package_of(entries[name])} can not be loaded: "
            f"{raised_in_words(error, None)}"
        ) from error


def _file_of(source: str, kind: Kind) -> Path:
    """Return the absolute path of a file; of one that has moved, the file of that name in the working folder."""
    file = Path(os.path.abspath(Path(source).expanduser()))  # noqa: PTH100 (a link stays one)
    if file.is_file():
        return file
    here = Path.cwd() / file.name
    if Path(source).is_absolute() and here.is_file():
        return here
    raise BadInputError(
        f"There is no file {source}, which is to hold the {kind.noun}. If it has moved, go to the folder in which "
        f"{file.name} lies now: a file of that name there is taken as well."
        if Path(source).is_absolute()
        else f"There is no file {source} in the folder {Path.cwd()}."
    )


def _load_module(name: str, kind: Kind) -> ModuleType:
    """Return a module that is installed, or lies in the working folder."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise BadInputError(
            f"{name!r} is neither a file that ends in .py nor a module; a {kind.noun} of your own is, for instance, "
            f"{kind.example}."
        )
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not _is_missing(error, name):
            raise _can_not_be_loaded(name, error, None) from error
    except RoarmLabError:
        raise
    except (Exception, SystemExit) as error:
        raise _can_not_be_loaded(name, error, None) from error
    here = str(Path.cwd())
    if here in sys.path:
        raise _no_module(name)
    sys.path.append(here)
    importlib.invalidate_caches()
    try:
        return _load_module(name, kind)
    except BadInputError:
        sys.path.remove(here)
        raise


def _no_module(name: str) -> BadInputError:
    return BadInputError(
        f"There is no module {name!r}, neither installed nor in the folder {Path.cwd()}. A file can be named too: "
        f"{name.replace('.', '/')}.py:NAME."
    )


def _is_missing(error: ModuleNotFoundError, name: str) -> bool:
    """Whether a module itself is not there, and not one that it imports."""
    return error.name is not None and (name == error.name or name.startswith(f"{error.name}."))


def _part(kind: Kind, module: ModuleType, source: str, name: str) -> object:
    """Return what a module has under a name."""
    there = [key for key, value in vars(module).items() if kind.fits(value, module.__name__) and key[0] != "_"]
    if not name:
        which = f"it has {', '.join(there)}" if there else "it has none"
        raise BadInputError(f"{source} does not say which {kind.noun}: {which}. Write, for instance, {kind.example}.")
    if hasattr(module, name):
        return getattr(module, name)
    if there:
        raise UnknownNameError(f"{kind.noun} in {module.__file__ or source}", name, there)
    raise BadInputError(f"{module.__file__ or source} has no {name!r}, and nothing else that is a {kind.noun}.")


def _module_name(file: Path) -> str:
    """Return under which name to load a file: its own, unless that is another module's."""
    name = re.sub(r"\W", "_", file.stem)
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return f"{name}_file"
    if spec is None or spec.origin is None or _is_from(spec.origin, file) or Path(spec.origin) in _LOADED:
        return name
    return f"{name}_file"


class _FreshLoader(SourceFileLoader):
    """Loads what is in the file: no compiled copy is read, which an edit in the same second escapes, and none left."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the file."""
        del fullname
        return self.source_to_code(self.get_data(self.path), self.path)


def _executed(name: str, file: Path, before: ModuleType | None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file, loader=_FreshLoader(name, str(file)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))  # for what lies beside it, and for processes that unpickle what it defines
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        if isinstance(error, RoarmLabError) or not isinstance(error, (Exception, SystemExit)):
            raise
        raise _can_not_be_loaded(file.name, error, file) from error
    return module


def _can_not_be_loaded(what: str, error: BaseException, file: Path | None) -> BadInputError:
    return BadInputError(f"{what} can not be loaded: {raised_in_words(error, file)}")


def _is_from(origin: object, file: Path) -> bool:
    return isinstance(origin, str) and Path(origin).exists() and file.samefile(origin)
