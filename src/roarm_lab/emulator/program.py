"""The two programs of the board: the boot, and the loop that runs ever after."""

from roarm_lab.emulator.cartesian import jog_tick
from roarm_lab.emulator.commands import execute, play_mission
from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.emulator.homing import homing
from roarm_lab.emulator.json_text import Command, object_text
from roarm_lab.emulator.memory import MAC, Ram
from roarm_lab.emulator.mission_commands import BOOT_MISSION, file_of, make
from roarm_lab.emulator.motion_commands import init_pose
from roarm_lab.emulator.network_commands import start_wifi
from roarm_lab.emulator.servo_bus import READ_S
from roarm_lab.emulator.servo_commands import boot_limits

POWER_ON, BROWN_OUT, SOFTWARE = "0x1 (POWERON_RESET)", "0xf (RTCWDT_BROWN_OUT_RESET)", "0xc (SW_CPU_RESET)"
"""Reasons of a reset, as the chip's own boot code prints them."""
FIRST_WAIT_S, SWITCH_WAIT_S = 1.2, 0.5
"""Before everything, and between 12 V and the servos."""
CHECKED = (11, 12, 13, 14)
FULL_TORQUE, GRIPPER_TORQUE = 1000, 300
FOLLOWER = 3
JOG_TICK_S = 0.010
LOWEST_SUPPLY_V, HIGHEST_SUPPLY_V, HIGHEST_CURRENT_MA = 6.0, 12.9, 2000.0
MESSAGE_PERIOD_S = 1.0
OLDER_CONTENT_TYPE = "text/plane"  # misspelt so


def boot(computer: Computer, reason: str) -> Work:
    """Start up: the arm moves."""
    yield from computer.say(f"ets Jul 29 2019 12:21:46\n\nrst:{reason},boot:0x13 (SPI_FAST_FLASH_BOOT)")
    yield FIRST_WAIT_S
    yield SWITCH_WAIT_S
    yield from _check_servos(computer)
    computer.bus.write_pi_of_boot()
    if computer.ram.servos_ok:
        yield from homing(computer)
    boot_limits(computer, FULL_TORQUE)
    yield from start_wifi(computer)
    yield from computer.say("Server Starts.")
    yield from computer.say(f"MAC: {MAC}")
    if file_of(BOOT_MISSION) not in computer.flash.files:
        make(computer, BOOT_MISSION, "runs at every boot")
    yield from play_mission(computer, BOOT_MISSION, 1)
    computer.bus.write_torque_limit(17, GRIPPER_TORQUE)
    if computer.firmware.ends_boot_with_move and computer.ram.servos_ok:
        yield from computer.read_servos()
        yield from init_pose(computer)
    computer.ready = True


def _check_servos(computer: Computer) -> Work:
    found = [computer.bus.ping(servo) for servo in CHECKED]
    yield READ_S * len(CHECKED)
    ram = computer.ram
    ram.servos_ok = all(found)
    mirrored = computer.bus.read(13)
    ram.load_13 = mirrored.load if mirrored else 0
    wrong = computer.firmware.success_text_always_in_debug and ram.info_print == 1
    good = ram.servos_ok or wrong
    yield from computer.say("All bus servos status checked." if good else "Bus servos status check: failed.")


def bootloader(computer: Computer, reason: str) -> Work:
    """Wait for a flash tool, for ever: the line that selects the boot was low at the reset."""
    yield from computer.say(f"ets Jul 29 2019 12:21:46\n\nrst:{reason},boot:0x3 (DOWNLOAD_BOOT)\nwaiting for download")
    while True:
        yield 1.0


def loop(computer: Computer) -> Work:
    """Read, serve, jog, measure, print; again."""
    next_jog_s = next_message_s = computer.now_s
    while True:
        yield from _obey_lines(computer)
        yield from _serve(computer)
        if computer.now_s >= next_jog_s:
            next_jog_s = computer.now_s + JOG_TICK_S
            yield from jog_tick(computer)
        yield from computer.read_servos()
        yield from _hear_leaders(computer)
        yield from _lead(computer)
        yield from _watch_supply(computer)
        if computer.ram.info_print == 2:
            yield from computer.say_feedback()
        if computer.firmware.queued and computer.now_s >= next_message_s:
            next_message_s = computer.now_s + MESSAGE_PERIOD_S
            computer.messages.extend(_messages(computer))


def _obey_lines(computer: Computer) -> Work:
    """Run what was received: all lines in the older firmware, one command of the queue in the newer one."""
    if computer.firmware.queued:
        computer.poll_reader()
        if computer.ram.queue:
            yield from execute(computer, computer.ram.queue.pop(0))
        return
    for line in computer.lines_received():
        command = computer.understood(line)
        if command is None:
            continue
        if computer.firmware.echoes_in_debug:
            yield from computer.debug(object_text(command.members))
        yield from execute(computer, command)


def _serve(computer: Computer) -> Work:
    """Answer HTTP requests in the older firmware: after the command, with what it left as information.

    Unlike the serial line, the web server does not look whether it understood: of what is no JSON from its first
    character on nothing is there, not even `T`, and that is the emergency stop. What breaks off later is not carried
    out here; the true firmware would carry out what it understood before that.
    """
    while computer.requests:
        query, reply = computer.requests[0]
        command = computer.understood(query)
        if command is None and not query.lstrip().startswith("{"):
            command = Command({})
        if command is not None:
            yield from execute(computer, command)
        computer.requests.popleft()
        info = computer.ram.info
        reply.answer(object_text(info) if info is not None else "null", OLDER_CONTENT_TYPE)
        if computer.ram.info_print != 2:
            computer.ram.info = None


def _hear_leaders(computer: Computer) -> Work:
    """Follow whoever leads, at full speed: every arm in radio range, unless told otherwise."""
    while computer.heard:
        mac, wire_joints = computer.heard.popleft()
        radio = computer.ram.esp_now
        if radio.mode == FOLLOWER and (radio.obeys_broadcast or mac == radio.leader_mac):
            yield from computer.drive(wire_joints, 0, 0)


def _lead(computer: Computer) -> Work:
    """A leader prints two lines per packet; nobody hears the packets."""
    if computer.ram.esp_now.mode in {1, 2}:
        yield from computer.say("packet sent.\ndelivery failed.")


def _watch_supply(computer: Computer) -> Work:
    """Print the newer firmware's warnings, in every loop."""
    if not computer.firmware.watches_supply:
        return
    volts = computer.supply_v
    if not LOWEST_SUPPLY_V <= volts <= HIGHEST_SUPPLY_V:
        yield from computer.say(f"warning: supply voltage {volts:.2f} V")
    for servo, reading in computer.ram.readings.items():
        if reading.current_ma >= HIGHEST_CURRENT_MA:
            yield from computer.say(f"warning: servo {servo} current {reading.current_ma:.0f} mA")


def _messages(computer: Computer) -> list[str]:
    """Return the two WebSocket messages. Names of the last three members are ours: nobody has published them."""
    ram: Ram = computer.ram
    wifi = {"T": 50, "ssid": ram.wifi.sta_ssid, "sta": ram.wifi.sta_address}
    joints = dict(zip("bsetrg", ram.wire_joints, strict=True))
    pose = {"x": ram.pose.x_mm, "y": ram.pose.y_mm, "z": ram.pose.z_mm, "tit": ram.pose.pitch_rad}
    stall = any(reading.current_ma >= HIGHEST_CURRENT_MA for reading in ram.readings.values())
    low = not LOWEST_SUPPLY_V <= computer.supply_v <= HIGHEST_SUPPLY_V
    flags = {"torque": int(stall), "temperature": 0, "voltage": int(low)}
    return [object_text(wifi), object_text({"T": -15} | pose | joints | flags)]
