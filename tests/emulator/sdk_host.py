"""Runs inside the environment of the vendor's SDK: calls what it is told to and says what came back.

Each line on stdin is `{"arm": name, "method": name, "args": [...], "kwargs": {...}}`, the answer one line of JSON. The
method "open" makes an arm of that name, "list" names all public methods. Knows nothing of this project.
"""

import io
import json
import sys
from contextlib import redirect_stdout
from typing import Any

import roarm_sdk
from roarm_sdk.roarm import roarm

ARMS: dict[str, Any] = {}


def call(request: dict[str, Any]) -> Any:
    name, method = request["arm"], request["method"]
    if method == "version":
        return roarm_sdk.__version__
    if method == "open":
        ARMS[name] = roarm(roarm_type="roarm_m3", **request["kwargs"])
        return None
    if method == "list":
        return sorted(name for name in dir(roarm) if not name.startswith("_"))
    return getattr(ARMS[name], method)(*request["args"], **request["kwargs"])


def answer(request: dict[str, Any]) -> dict[str, Any]:
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            value = call(request)
    except Exception as error:  # noqa: BLE001 (the test wants to know which)
        return {"raised": type(error).__name__, "text": str(error), "printed": printed.getvalue()}
    said = value.decode() if isinstance(value, bytes) else value
    return {"type": type(value).__name__, "value": said, "printed": printed.getvalue()}


def main() -> None:
    while line := sys.stdin.readline():
        if line.strip():
            sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
