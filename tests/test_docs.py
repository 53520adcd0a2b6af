"""What the documentation promises: its Python runs, each block alone; its search works from the disk."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hardware.clips import greys, write_clip
from tests.view.chromium import CHROMIUM, WAIT_S, Chromium

ROOT = Path(__file__).parents[1]
NEEDS = {
    "arm.md 1": "an arm on USB",
    "station.md 1": "an arm on USB, and its station.yaml",
    "emulator-use.md 1": "a program to start (tests/emulator/test_programs_that_set_lines.py runs it)",
    "emulator-use.md 2": "an emulator at a port of its own",
    "emulator-use.md 4": "the vendor's SDK (tests/emulator/test_vendor_sdk.py runs it)",
    "gpu.md 1": "an NVIDIA GPU",
}
"""Block -> what it needs that is not here; it is only compiled."""
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LIMIT_S = 300.0  # the slowest takes seconds; a machine may be busy


def blocks() -> dict[str, str]:
    """Return name -> text of every block of Python, for instance `safety.md 2`."""
    pages = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "README.ko.md"]
    found = {page.name: BLOCK.findall(page.read_text(encoding="utf-8")) for page in pages}
    return {f"{name} {number}": text for name, texts in found.items() for number, text in enumerate(texts, start=1)}


def test_every_exception_is_a_block_and_safety_has_none() -> None:
    assert set(NEEDS) <= blocks().keys()
    assert [name for name in blocks() if name.startswith("safety.md")] == ["safety.md 1", "safety.md 2", "safety.md 3"]
    assert not [name for name in NEEDS if name.startswith("safety.md")]


@pytest.mark.slow
@pytest.mark.parametrize("name", blocks())
def test_a_block_of_python_runs_alone(name: str, tmp_path: Path) -> None:
    code = blocks()[name].replace("/tmp/", f"{tmp_path}/")  # other tests run beside this one
    compile(code, name, "exec")
    if name in NEEDS:
        pytest.skip(f"{name} needs {NEEDS[name]}")
    write_clip(tmp_path / "clip.mp4", greys(20))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("page", "claim"), [("README.md", "Two CPU cores"), ("README.ko.md", "CPU 코어 두 개")])
def test_the_headline_names_what_was_measured_and_under_which_load(page: str, claim: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    (headline,) = re.findall(r"^\*\*(.+)\*\*$", text, re.MULTILINE)[:1]
    assert claim in headline
    assert "docs/benchmarks.md#training-on-two-cpu-cores" in text
    assert re.search(r"load of 1 to 2|부하 1~2", text)


@pytest.mark.slow
def test_the_search_of_the_pages_works_from_the_disk_without_a_network(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    site = tmp_path / "site"
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(site)]
    subprocess.run(build, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=True, timeout=LIMIT_S)
    with Chromium(tmp_path / "profile") as browser:
        browser.open(site / "index.html", width=1300)
        browser.value(
            "(() => { const asked = document.querySelector('[data-md-component=search-query]'); asked.focus();"
            " asked.value = 'overload'; asked.dispatchEvent(new Event('input', {bubbles: true})); return 1 })()"
        )
        end_s = time.monotonic() + WAIT_S
        while not (found := browser.value("document.querySelectorAll('.md-search-result__item').length")):
            assert time.monotonic() < end_s, browser.complaints
            time.sleep(0.05)
        assert found >= 1
        assert [request for request in browser.requests if not request.startswith(("file:", "data:"))] == []
