"""What the computer remembers: flash, which survives a reset, and working memory, which does not."""

from dataclasses import dataclass, field

from roarm_lab.emulator.firmware import Firmware
from roarm_lab.emulator.json_text import Command
from roarm_lab.emulator.servo_bus import Reading

READ_ORDER = (11, 12, 14, 15, 16, 17)
"""The servos that every loop reads; 13 is read at boot only."""
BOOT_ACC = 20
"""Shared acceleration register after power-up [100 step/s^2]; the shared speed is 0: the highest."""
AP_SSID, AP_PASSWORD, AP_ADDRESS = "RoArm-M3", "12345678", "192.168.4.1"
MAC = "A0:B7:65:00:00:01"
"""The emulator's own address. Made up."""


@dataclass
class Flash:
    """Files and stored settings."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    wifi_mode: int = 3
    """At boot: 0 off, 1 own network, 2 join one, 3 both."""
    ap_ssid: str = AP_SSID
    ap_password: str = AP_PASSWORD
    sta_ssid: str = ""
    sta_password: str = ""


@dataclass
class Wifi:
    """The networks as they are now."""

    mode: int = 0
    ap_ssid: str = AP_SSID
    ap_password: str = AP_PASSWORD
    sta_ssid: str = ""
    sta_password: str = ""
    sta_address: str = ""
    """Empty: not joined. The emulator never finds a network to join."""


@dataclass
class EspNow:
    """The radio between arms."""

    mode: int = 3
    """0 none, 1 leader of a group, 2 leader of one, 3 follower."""
    obeys_broadcast: bool = True
    leader_mac: str = ""
    peers: list[str] = field(default_factory=list[str])


@dataclass
class Jog:
    """`T:123`: a motion that goes on until told to stop."""

    cartesian: bool = False
    axis: int = 0
    direction: int = 0
    """0 stopped, 1 plus, 2 minus."""
    speed: int = 0
    goal: list[float] = field(default_factory=list[float])
    """Where it is told to be: x, y, z, t, r, g (Cartesian) or joint angles on the wire."""


@dataclass
class Pose:
    """Where the firmware believes the tool to be."""

    x_mm: float = 0.0
    y_mm: float = 0.0
    z_mm: float = 0.0
    pitch_rad: float = 0.0


@dataclass
class Ram:
    """Working memory at power-up."""

    firmware: Firmware
    info_print: int = 0
    speed: int = 0
    """Shared by the motion commands [step/s]."""
    acc: int = BOOT_ACC
    roll_rad: float = 0.0
    """Of the last `T:103` or `T:104`; never measured."""
    readings: dict[int, Reading] = field(default_factory=lambda: dict.fromkeys(READ_ORDER, Reading()))
    load_13: int = 0
    servos_ok: bool = False
    pose: Pose = field(default_factory=Pose)
    wire_joints: tuple[float, ...] = (0.0,) * 6
    """Measured: base, shoulder, elbow, wrist, roll, gripper [rad], gripper as on the wire."""
    stopped: bool = False
    queue: list[Command] = field(default_factory=list[Command])
    jog: Jog = field(default_factory=Jog)
    wifi: Wifi = field(default_factory=Wifi)
    esp_now: EspNow = field(default_factory=EspNow)
    pwm: tuple[int, int] = (0, 0)
    """The two 12 V outputs, -255 to 255; the lamp is the first."""
    info: dict[str, object] | None = None
    """What an HTTP request is answered with."""
    line: str = ""
    """The line that is being received."""

    def __post_init__(self) -> None:
        """Begin as the firmware does."""
        self.info_print = self.firmware.info_print
