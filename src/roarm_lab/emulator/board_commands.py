"""Commands about the board itself: lamp and outputs, reboot, flash, and how much it prints."""

from roarm_lab.emulator.computer import Computer, Restart, Work
from roarm_lab.emulator.json_text import Command
from roarm_lab.emulator.memory import Flash
from roarm_lab.emulator.mission_commands import BOOT_MISSION, file_of, listing

FLASH_BYTES = 1_441_792
"""Size of the file system. A guess."""


def outputs(computer: Computer, command: Command) -> None:
    """113: both 12 V outputs."""
    computer.ram.pwm = (_pwm(command.i32("pwm_a")), _pwm(command.i32("pwm_b")))


def lamp(computer: Computer, command: Command) -> None:
    """114: the lamp, on the first output."""
    computer.ram.pwm = (command.u8("led"), computer.ram.pwm[1])


def outputs_off(computer: Computer, command: Command) -> None:
    """115: both outputs off."""
    computer.ram.pwm = (0, 0)


def reboot(computer: Computer, command: Command) -> None:
    """600: reset the computer. The arm moves at every boot."""
    raise Restart


def flash_space(computer: Computer, command: Command) -> Work:
    """601: how much of the flash is free, printed in debug only."""
    used = sum(len(text) for text in computer.flash.files.values())
    computer.ram.info = {"total": FLASH_BYTES, "used": used, "free": FLASH_BYTES - used}
    return computer.debug(f"flash total: {FLASH_BYTES} used: {used}")


def boot_mission(computer: Computer, command: Command) -> Work:
    """602: print the boot mission."""
    return listing(computer, file_of(BOOT_MISSION))


def delete_boot_mission(computer: Computer, command: Command) -> None:
    """603: delete the boot mission; the next boot makes an empty one."""
    computer.flash.files.pop(file_of(BOOT_MISSION), None)


def clear_settings(computer: Computer, command: Command) -> None:
    """604: forget the stored settings; files stay."""
    fresh, flash = Flash(), computer.flash
    flash.wifi_mode, flash.ap_ssid, flash.ap_password = fresh.wifi_mode, fresh.ap_ssid, fresh.ap_password
    flash.sta_ssid, flash.sta_password = fresh.sta_ssid, fresh.sta_password


def info_print(computer: Computer, command: Command) -> None:
    """605: 0 quiet, 1 debug, 2 stream."""
    if 0 <= command.i32("cmd") <= 2:
        computer.ram.info_print = command.i32("cmd")
        computer.ram.info = None


def _pwm(value: int) -> int:
    return min(max(value, -255), 255)


COMMANDS = {
    113: outputs, 114: lamp, 115: outputs_off, 600: reboot, 601: flash_space, 602: boot_mission,
    603: delete_boot_mission, 604: clear_settings, 605: info_print,
}  # fmt: skip
