"""A USB chip without a port: folders that stand for those of Linux, as they look in each case."""

import errno
import platform
import sys
from pathlib import Path

import pytest

from roarm_lab.core.errors import MissingError
from roarm_lab.hardware.diagnosis import unopened
from roarm_lab.hardware.port_discovery import Port, find_port, port_error
from roarm_lab.hardware.usb_trouble import CHIPS, why_no_port

RELEASE = "6.8.0-45-generic"
CP2102, CH343 = ("10c4", "ea60"), ("1a86", "55d3")


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "release", lambda: RELEASE)


def write(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def plug_in(root: Path, key: tuple[str, str] = CP2102, *, driver: str = "", port: str = "") -> None:
    """Add a chip as /sys shows it: device 1-4 with one interface, perhaps with a driver and a port."""
    device = root / "sys/bus/usb/devices/1-4"
    interface = device / "1-4:1.0"
    interface.mkdir(parents=True)
    for file, text in zip(("idVendor", "idProduct"), key, strict=True):
        (device / file).write_text(f"{text}\n")
    if driver:
        home = root / "sys/bus/usb/drivers" / driver
        home.mkdir(parents=True)
        (interface / "driver").symlink_to(home)
    if port:
        place = interface / "tty" if port.startswith("ttyACM") else interface
        (place / port).mkdir(parents=True)


def has_modules(root: Path, *names: str, loaded: tuple[str, ...] = (), built_in: tuple[str, ...] = ()) -> None:
    folder = f"lib/modules/{RELEASE}"
    write(root, f"{folder}/modules.dep", "\n".join(f"kernel/drivers/usb/serial/{name}.ko.zst: x.ko" for name in names))
    write(root, f"{folder}/modules.builtin", "\n".join(f"kernel/drivers/{name}.ko" for name in built_in))
    write(root, "proc/modules", "\n".join(f"{name} 28672 0 - Live 0x0000000000000000" for name in ("ext4", *loaded)))


def test_no_chip_is_said_after_looking(tmp_path: Path) -> None:
    (tmp_path / "sys/bus/usb/devices").mkdir(parents=True)
    assert why_no_port(tmp_path) == ""
    with pytest.raises(MissingError, match="No arm is plugged in.*Its chip is not on USB at all: is it a data cable"):
        find_port(list, root=tmp_path)


def test_a_system_without_usb_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="shows no USB at all, as in a container"):
        find_port(list, root=tmp_path)


def test_brltty_is_named_when_it_runs(tmp_path: Path) -> None:
    plug_in(tmp_path, driver="usbfs")
    has_modules(tmp_path, "cp210x", loaded=("cp210x",))
    write(tmp_path, "proc/812/comm", "brltty")
    with pytest.raises(MissingError, match=r"CP210x, 10c4:ea60\) is plugged in.*brltty.* has taken it.*remove brltty"):
        find_port(list, root=tmp_path)


def test_a_rule_that_gives_the_chip_to_brltty_is_named(tmp_path: Path) -> None:
    plug_in(tmp_path)
    has_modules(tmp_path, "cp210x", loaded=("cp210x",))
    rules = "usr/lib/udev/rules.d/85-brltty.rules"
    write(tmp_path, rules, '# ENV{PRODUCT}=="10c4/ea60/*", ENV{BRLTTY}="1"')
    assert "brltty" not in why_no_port(tmp_path)  # a comment
    write(tmp_path, rules, 'ENV{PRODUCT}=="10C4/EA60/*", ATTRS{manufacturer}=="Silicon Labs", ENV{BRLTTY}="1"')
    assert f"brltty, a program for Braille displays, takes such chips (/{rules})" in why_no_port(tmp_path)


def test_another_program_that_drives_the_chip_itself_is_said(tmp_path: Path) -> None:
    plug_in(tmp_path, driver="usbfs")
    has_modules(tmp_path, "cp210x", loaded=("cp210x",))
    assert "a program drives it itself (its driver is usbfs)" in why_no_port(tmp_path)


@pytest.mark.parametrize(("key", "module"), [(key, module) for key, (_, module) in CHIPS.items()])
def test_a_module_that_is_not_loaded_is_named_with_what_to_type(
    tmp_path: Path, key: tuple[str, str], module: str
) -> None:
    plug_in(tmp_path, key)
    has_modules(tmp_path, module, loaded=("cp2112", "usbserial"))
    assert why_no_port(tmp_path).endswith(f"the kernel module {module} is not loaded. Type: sudo modprobe {module}.")


def test_a_kernel_without_the_module_is_told_from_one_that_was_updated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path)
    assert "has no modules on the disk, as after an update: restart the computer" in why_no_port(tmp_path)
    has_modules(tmp_path, "ftdi_sio")
    assert f"sudo apt install linux-modules-extra-{RELEASE}" in why_no_port(tmp_path)
    monkeypatch.setattr(platform, "release", lambda: "5.10.16.3-microsoft-standard-WSL2")
    assert "On Windows, type: wsl --update" in why_no_port(tmp_path)


def test_a_module_that_is_built_in_is_not_missing(tmp_path: Path) -> None:
    plug_in(tmp_path)
    has_modules(tmp_path, built_in=("cp210x",))
    assert "the kernel has its module and made no port of it" in why_no_port(tmp_path)


def test_a_container_is_told_where_to_do_it(tmp_path: Path) -> None:
    write(tmp_path, ".dockerenv", "")
    plug_in(tmp_path, driver="cp210x", port="ttyUSB0")
    assert "This is a container: `docker run --device /dev/ttyUSB0` starts one that has it." in why_no_port(tmp_path)


def test_a_module_missing_on_a_containers_computer_is_loaded_there(tmp_path: Path) -> None:
    write(tmp_path, "run/.containerenv", "")
    plug_in(tmp_path, CH343)
    assert "on the computer it runs on, type sudo modprobe cdc_acm" in why_no_port(tmp_path)


@pytest.mark.parametrize(
    ("key", "driver", "port"), [(CP2102, "cp210x", "ttyUSB1"), (CH343, "cdc_acm", "ttyACM0")], ids=["serial", "acm"]
)
def test_a_chip_with_a_port_is_no_trouble_and_is_named_where_another_port_was_asked_for(
    tmp_path: Path, key: tuple[str, str], driver: str, port: str
) -> None:
    plug_in(tmp_path, key, driver=driver, port=port)
    write(tmp_path, f"dev/{port}", "")
    assert why_no_port(tmp_path) == ""
    error = FileNotFoundError(errno.ENOENT, "No such file or directory")
    told = str(port_error("/dev/ttyUSB0", error, root=tmp_path))
    assert told.startswith("There is no port /dev/ttyUSB0.")
    assert f"Its USB chip may be the one at /dev/{port}." in told


def test_a_port_that_was_asked_for_by_name_gets_the_reason_too(tmp_path: Path) -> None:
    plug_in(tmp_path)
    has_modules(tmp_path, "cp210x")
    error = FileNotFoundError(errno.ENOENT, "No such file or directory")
    assert "Type: sudo modprobe cp210x" in str(port_error("/dev/ttyUSB0", error, root=tmp_path))


def test_the_doctor_says_that_the_chip_is_there(tmp_path: Path) -> None:
    plug_in(tmp_path)
    has_modules(tmp_path, "cp210x")
    with pytest.raises(MissingError) as error:
        find_port(lambda: [Port("/dev/ttyS0", "a modem", is_candidate=False)], root=tmp_path)
    found = unopened("serial", error.value)
    assert (found.cause, found.says) == ("no-port", "a USB chip like the arm's is plugged in and has no port")
    assert "cp210x is not loaded" in found.evidence
