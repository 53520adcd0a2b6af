"""The first word of `roarm <verb>`: finds the verb's file, runs it, and turns every ending into an exit code.

Only the chosen verb is imported, so `roarm --help` answers at once. Exit codes: 0 done, 1 a finding, 2 bad input,
3 the environment lacks something, 130 interrupted, 141 the reader of a pipe went away before the verb was done.
"""

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from roarm_lab import __version__
from roarm_lab.cli.extras import missing_beside, missing_text
from roarm_lab.cli.references import error_as_typed
from roarm_lab.core.errors import MissingError, RoarmLabError, UnknownNameError
from roarm_lab.core.rendering import choose_renderer
from roarm_lab.core.shown import shown_text

STAGES = {
    "start": {
        "demo": "the whole way in one command: train, evaluate, drive the simulated arm, write a report",
        "doctor": "check this installation, or with --arm an arm; what is bad says what to do",
        "robots": "list the arms, show their facts, export them as MJCF or URDF",
        "view": "turn an arm by hand in the browser: sliders, limits, collision shapes",
    },
    "devices": {
        "setup": "set up an arm at its place, step by step: port, servos, zero, limits, cameras; makes station.yaml",
        "arm": "talk to the real arm: find it, ask how it is, send it home, make it hold or let go",
        "cameras": "find, watch, measure and recognise cameras: USB, Kinect, simulated",
        "emulate": "pretend to be the arm: its firmware on a serial port, over TCP and as a web server",
    },
    "learning": {
        "train": "train a policy on a task; everything it makes goes into one run folder",
        "sweep": "many trainings over seeds and settings, and a table of what came out",
        "randomization": "show what may differ from world to world in training, or check a file of it",
    },
    "evaluation": {
        "eval": "count how often a policy succeeds, with intervals and the reasons of the failures",
        "explain": "say in words what is wrong with a training run, and what to change",
        "play": "watch a policy at work: live in the browser, as a film, or as a page to send",
        "report": "write what a run has achieved as one page that opens anywhere",
        "bench": "measure how fast this machine simulates and what the pieces cost",
    },
    "deployment": {
        "run": "let a policy move the arm, in closed loop and through the safety gate",
        "serve": "let a policy answer arms over the network, with deadlines and numbers",
        "drift": "say how arms differed from the ones their policies were made for, since when, how often",
        "teleop": "move the arm yourself: keyboard, gamepad, 3D mouse, a second arm, or beside a policy",
    },
}
"""Stage of the work -> verb -> its line in the help.

The verb `x` of the stage `s` lives in `roarm_lab/cli/s/x.py` and is a function `run(argv) -> int`.
"""
STAGE_OF = {verb: stage for stage, verbs in STAGES.items() for verb in verbs}
"""Verb -> the stage it belongs to."""

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = 141  # 128 + SIGPIPE

HELP = """usage: roarm <verb> [options]

Simulate, train, evaluate and run policies for one affordable robot arm.

{stages}

options:
  -h, --help     show this help (roarm <verb> --help shows the flags of a verb)
  --version      show the version

begin with:
  roarm doctor               is everything here?
  roarm demo                 the whole way, with the defaults (needs the extra `train`)
  roarm train --help         what can be changed, and its default

exit codes: 0 done, 1 a finding, 2 bad input, 3 something is not installed, 130 interrupted
ROARM_DEBUG=1 shows the traceback of an error."""


def help_text() -> str:
    """Return what `roarm --help` prints."""
    width = max(map(len, STAGE_OF)) + 3
    stages = "\n\n".join(
        f"{stage}:\n" + "\n".join(f"  {verb:<{width}}{line}" for verb, line in verbs.items())
        for stage, verbs in STAGES.items()
    )
    return HELP.format(stages=stages)


def dispatch(argv: Sequence[str]) -> int:
    """Run the verb named first in `argv` with the words after it; return its exit code.

    Raises:
        UnknownNameError: There is no such verb.
    """
    if not argv or argv[0] in {"-h", "--help", "help"}:
        print(help_text())
        return 0
    if argv[0] == "--version":
        print(f"roarm-lab {__version__}")
        return 0
    if argv[0] not in STAGE_OF:
        raise UnknownNameError("verb", argv[0], STAGE_OF)
    choose_renderer()
    return import_module(f"roarm_lab.cli.{STAGE_OF[argv[0]]}.{argv[0]}").run(list(argv[1:]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run `roarm` with `argv` (the process's own words when None); return the exit code."""
    _open_streams()
    try:
        code = dispatch(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()  # here, where a reader that went away can still be told from a crash
    except SystemExit as end:  # tyro ends this way: 0 after --help, 2 after a flag it does not know
        return _exit_code(end)
    except KeyboardInterrupt:
        print("roarm: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()
        return PIPE_CLOSED
    except RoarmLabError as error:
        return _explain(error)
    except ImportError as error:
        missing = _as_missing(error)
        if missing is None:
            raise
        return _explain(missing)
    return code


def _explain(error: RoarmLabError) -> int:
    """Say on stderr what went wrong and return the error's exit code; with ROARM_DEBUG=1 show where."""
    if os.environ.get("ROARM_DEBUG", "0") not in {"", "0"}:
        import traceback

        traceback.print_exception(error)
    print(f"roarm: {shown_text(error_as_typed(error))}", file=sys.stderr)
    return error.exit_code


def _as_missing(error: ImportError) -> MissingError | None:
    """Return an error that says what to install; None when the import that failed is one of our own files."""
    package = (error.name or "").partition(".")[0]
    if package == "roarm_lab":
        return None
    if isinstance(error, ModuleNotFoundError) and error.name == package:
        text = missing_text(missing_beside(package))
    else:
        name = f"The package {package!r}" if package else "A package"  # mujoco's own ImportError has no name
        text = f"{name} is installed but does not import: {error}\nType: roarm doctor (it says how to repair this)"
    missing = MissingError(text)
    missing.__cause__ = error
    return missing


def _exit_code(end: SystemExit) -> int:
    """Return the number a SystemExit stands for, as the interpreter would: None is 0, a text is printed and 1."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _open_streams() -> None:
    """Let what is printed go nowhere where there is no stdout or stderr, as in a shell's `>&-`.

    A character that the terminal's encoding does not have, in the name of a folder say, is printed as its number.
    """
    nowhere = Path(os.devnull)
    sys.stdout = sys.stdout or nowhere.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nowhere.open("w", encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in {"strict", "surrogateescape"}:
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not complain about the closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
