"""Is everything here that the other use cases need? Rows that are not fine say what to type.

Packages are tried in processes of their own: a broken one must not take the doctor with it, and MuJoCo chooses how it
draws once, when it is imported.
"""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from ctypes.util import find_library
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from roarm_lab.core.findings import State
from roarm_lab.core.provenance import cpu_name, package_version, provenance, usable_cores
from roarm_lab.core.python_process import OWN_PYTHON
from roarm_lab.core.rendering import has_screen
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Progress
from roarm_lab.workflows.start.requirements import (
    constraint_file,
    numbers,
    pinned_versions,
    requirements,
    without_build,
)

PYTHONS = ((3, 11), (3, 13))  # requires-python of pyproject.toml: the oldest and the newest
MUJOCO_MINIMUM = "3.17"  # the first with mujoco.batch
MUJOCO_SPLIT = (4, 0)  # from here on it is three packages
TRY_TIMEOUT_S = 120.0  # a first import of torch from a cold disk takes tens of seconds

DRAW = """
import mujoco
model = mujoco.MjModel.from_xml_string("<mujoco><worldbody><geom size='.1'/></worldbody></mujoco>")
with mujoco.Renderer(model, 8, 8) as renderer:
    renderer.update_scene(mujoco.MjData(model))
    renderer.render()
"""
RENDERERS = {
    "egl": "apt-get install libegl1 libopengl0 libgl1-mesa-dri",
    "osmesa": "apt-get install libosmesa6",
    "glfw": "needs a screen (DISPLAY); without one: export MUJOCO_GL=egl",
}
"""What MUJOCO_GL can be on Linux -> what to type when it does not work (Debian and Ubuntu)."""
LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}
NVIDIA = Path("/dev/nvidiactl"), Path("/dev/dxg")
"""What NVIDIA's driver makes: on Linux, and in Windows' subsystem for it."""
NOT_NEEDED = "(not needed)"

GPUS = "GPUs: "
SEES_GPU = {
    "torch": f"""
import torch
if torch.cuda.is_available():
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    print({GPUS!r} + ", ".join(names) + f" (built for CUDA {{torch.version.cuda}})")
""",
    "Warp": f"""
import warp
if warp.is_cuda_available():
    names = [device.name for device in warp.get_cuda_devices()]
    driver = ".".join(map(str, warp.get_cuda_driver_version()))
    print({GPUS!r} + ", ".join(names) + f" (the driver offers CUDA {{driver}})")
""",
}
"""Library -> what prints the GPUs that it sees, in the last line."""


@dataclass(frozen=True)
class Row:
    """One line of the doctor's table."""

    name: str
    state: State
    found: str
    type_this: str = ""
    """What repairs it; empty when there is nothing to repair."""


@dataclass(frozen=True, kw_only=True)
class InstallReport:
    """What was found of an installation."""

    rows: tuple[Row, ...]
    """One per thing looked at."""
    machine: Mapping[str, Any]
    """On what it was looked at: processor, system, versions."""

    @property
    def fine(self) -> bool:
        """Whether all that is needed works; notes do no harm."""
        return all(row.state != State.BAD for row in self.rows)


Check = Callable[[], Iterable[Row]]


def check_install(frontend: Frontend = UNATTENDED) -> InstallReport:
    """Return what is here, what is missing, and what repairs it.

    Args:
        frontend: Hears that every package is tried once, which takes a moment.
    """
    frontend.tell(Progress(stage="trying every package once", done=0, total=1))
    return InstallReport(rows=tuple(check_all()), machine=provenance())


def check_all() -> list[Row]:
    """Return the rows of every check, in the order of the list below; the slow ones run side by side."""
    checks: list[Check] = [
        check_python,
        check_packages,
        check_mujoco,
        check_onnxruntime,
        check_torch,
        check_gpu_simulator,
        check_rendering,
        check_cpu,
    ]
    with ThreadPoolExecutor() as pool:
        return [row for rows in pool.map(lambda check: list(check()), checks) for row in rows]


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> Iterator[Row]:
    """Is this Python one of those the package is made for?"""
    low, high = (".".join(map(str, v)) for v in PYTHONS)
    text = platform.python_version()
    if PYTHONS[0] <= version <= PYTHONS[1]:
        yield Row("Python", State.FINE, text)
    else:
        yield Row("Python", State.BAD, f"{text}, expected {low} to {high}", f"python{high} -m venv .venv")


def check_packages() -> Iterator[Row]:
    """Is each package there, new enough, and the version that was tested?"""
    wanted = requirements()
    if not wanted:
        yield Row("roarm-lab", State.BAD, "not installed, only its files are here", "pip install -e .")
    pins = pinned_versions(constraint_file())
    for name, (minimum, extra) in wanted.items():
        yield check_package(name, minimum, extra, package_version(name), pins.get(name))


def check_package(name: str, minimum: str, extra: str, found: str | None, pin: str | None) -> Row:
    """Return the row of one package.

    Args:
        name: As in the requirements, lower case with hyphens.
        minimum: The oldest version that may do.
        extra: The extra that brings it; empty for a package of the default install.
        found: The installed version; None when it is not there.
        pin: The version that was tested; None when the constraint file does not name it.
    """
    if found is None:
        if extra:
            return Row(name, State.NOTE, "not installed (optional)", f"pip install 'roarm-lab[{extra}]'")
        return Row(name, State.BAD, "not installed", f"pip install '{name}>={minimum}'")
    if numbers(found) < numbers(minimum):
        return Row(name, State.BAD, f"{found}, at least {minimum} is needed", change(name, found, f">={minimum}"))
    if pin is not None and without_build(found) != pin:
        return Row(name, State.NOTE, f"{found}, tested with {pin}", change(name, found, f"=={pin}"))
    return Row(name, State.FINE, found)


def change(name: str, found: str, wanted: str) -> str:
    """Return what replaces version `found` of a package; `wanted` is like `>=3.17` or `==4.0.0`."""
    install = f"pip install '{name}{wanted}'"
    if name == "mujoco" and numbers(found) < MUJOCO_SPLIT:
        # In place, removing the old package would take files away that the new ones have just brought.
        return f"pip uninstall -y mujoco mujoco-core mujoco-studio && {install}"
    return install


def check_mujoco() -> Iterator[Row]:
    """Does MuJoCo import, and has it the batched stepping that came with 3.17?"""
    found = package_version("mujoco")
    if found is None:
        return  # check_packages says so
    yield tried("import mujoco", "import mujoco", mujoco_repair(found))
    yield tried("mujoco.batch", "import mujoco.batch", mujoco_repair(found))


def mujoco_repair(found: str) -> str:
    """Return what repairs the MuJoCo of version `found` that does not import."""
    if numbers(found) < numbers(MUJOCO_MINIMUM):
        return change("mujoco", found, f">={MUJOCO_MINIMUM}")
    names = ("mujoco", "mujoco-core", "mujoco-studio") if numbers(found) >= MUJOCO_SPLIT else ("mujoco",)
    return "pip install --force-reinstall --no-deps " + " ".join(f"{name}=={found}" for name in names)


def check_onnxruntime() -> Iterator[Row]:
    """Does the library that runs policies import?"""
    if package_version("onnxruntime") is not None:
        code = "import onnxruntime; onnxruntime.get_available_providers()"
        yield tried("import onnxruntime", code, "pip install --force-reinstall --no-deps onnxruntime")


def check_torch() -> Iterator[Row]:
    """Does PyTorch import, if it is there, and does it see a GPU? Only training needs it."""
    if package_version("torch") is None:
        return
    row = tried("import torch", "import torch", "pip install --force-reinstall torch", State.NOTE)
    if row.state == State.FINE:
        no_gpu = try_python("import torch; assert torch.cuda.is_available()")
        row = replace(row, found="works, on the CPU" if no_gpu else "works, and sees a CUDA GPU")
    yield row


def check_gpu_simulator() -> Iterator[Row]:
    """Is the simulator of the extra `gpu` there, and which GPUs do torch and Warp see? All else works without."""
    wanted = {name: minimum for name, (minimum, extra) in requirements("gpu").items() if extra and name != "torch"}
    lacking = [name for name in wanted if package_version(name) is None]
    if lacking and not has_nvidia_gpu():
        yield Row("GPU simulator", State.SPARE, f"not installed {NOT_NEEDED}")
        return
    if lacking:
        install = "pip install 'roarm-lab[gpu]'  # where there is an NVIDIA GPU"
        yield Row("GPU simulator", State.NOTE, "not installed (extra gpu)", install)
        return
    for name, minimum in wanted.items():
        yield check_package(name, minimum, "gpu", package_version(name), None)
    with ThreadPoolExecutor() as pool:
        yield from pool.map(gpu_row, SEES_GPU, SEES_GPU.values())


def gpu_row(library: str, code: str) -> Row:
    """Return the row of a library, for which `code` prints the GPUs that it sees, or nothing."""
    printed, trouble = answer_of(code)
    name = f"GPU, by {library}"
    if not printed.startswith(GPUS) and not has_nvidia_gpu():
        return Row(name, State.SPARE, f"no NVIDIA GPU {NOT_NEEDED}")
    if trouble:
        return Row(name, State.NOTE, trouble, "pip install --force-reinstall 'roarm-lab[gpu]'")
    if not printed.startswith(GPUS):
        return Row(name, State.NOTE, "no CUDA device", "nvidia-smi  # should list a GPU and its driver")
    return Row(name, State.FINE, printed.removeprefix(GPUS))


def has_nvidia_gpu() -> bool:
    """Whether NVIDIA's driver is loaded here."""
    return any(path.exists() for path in NVIDIA)


def check_rendering(environ: Mapping[str, str] = os.environ, system: str = sys.platform) -> Iterator[Row]:
    """Which ways to draw a picture work here? Simulation and training need none of them."""
    if try_python("import mujoco"):
        return  # check_mujoco says what to do first
    if system != "linux":
        yield tried("pictures", DRAW, "unset MUJOCO_GL", State.NOTE)
        return
    with ThreadPoolExecutor() as pool:
        rows = list(pool.map(draws_with, RENDERERS))
    # As roarm_lab.core.rendering chooses.
    chosen = environ.get("MUJOCO_GL") or ("glfw" if has_screen(environ) else "egl")
    working = [name for name, row in zip(RENDERERS, rows, strict=True) if row.state == State.FINE]
    yield choice(chosen, working)
    yield from (spare(row) if working else row for row in rows)


def draws_with(name: str) -> Row:
    """Return the row of one renderer."""
    row = tried(f"pictures: {name}", DRAW, RENDERERS[name], State.NOTE, MUJOCO_GL=name)
    return row if row.state == State.FINE else replace(row, found=lacks(name))


def lacks(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return why a renderer does not draw; the library's own words are those of its inside."""
    if name in LIBRARIES:
        return "installed, but does not draw" if find_library(LIBRARIES[name]) else "not installed"
    return "does not draw on this screen" if environ.get("DISPLAY") else "no screen"


def spare(row: Row) -> Row:
    """Return the row of a renderer where another one works: this one is not needed."""
    return row if row.state == State.FINE else Row(row.name, State.SPARE, f"{row.found} {NOT_NEEDED}")


def choice(chosen: str, working: list[str]) -> Row:
    """Return the row of the renderer that would be used, given those that work."""
    if chosen in working:
        return Row("pictures", State.FINE, f"drawn with {chosen}")
    if working:
        return Row("pictures", State.NOTE, f"{chosen!r} does not work here", f"export MUJOCO_GL={working[0]}")
    return Row("pictures", State.NOTE, "can not be drawn here", RENDERERS["egl"])


def check_cpu(environ: Mapping[str, str] = os.environ) -> Iterator[Row]:
    """How many cores are there, and how many may this process use?"""
    usable, there = usable_cores(), os.cpu_count() or 1
    limits = "".join(f", {key}={environ[key]}" for key in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if key in environ)
    yield Row("CPU", State.FINE, f"{cpu_name()}: {usable} of {there} cores usable{limits}")


def tried(name: str, code: str, repair: str, if_not: State = State.BAD, **env: str) -> Row:
    """Return the row of what works when `code` runs; otherwise its state is `if_not` and it says `repair`."""
    trouble = try_python(code, **env)
    return Row(name, if_not, trouble, repair) if trouble else Row(name, State.FINE, "works")


def try_python(code: str, **env: str) -> str:
    """Return the last line that `code` complained with in a fresh interpreter; an empty text when it ran."""
    return answer_of(code, **env)[1]


def answer_of(code: str, **env: str) -> tuple[str, str]:
    """Return the last line that `code` printed in a fresh interpreter, and what it complained with, as `try_python`."""
    command = [*OWN_PYTHON, "-c", code]
    try:
        done = subprocess.run(
            command, env={**os.environ, **env}, capture_output=True, text=True, timeout=TRY_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {TRY_TIMEOUT_S:.0f} s"
    if done.returncode == 0:
        return (done.stdout.strip().splitlines() or [""])[-1], ""
    errors = [line for line in done.stderr.splitlines() if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return "", errors[-1] if errors else f"ended with code {done.returncode}"
