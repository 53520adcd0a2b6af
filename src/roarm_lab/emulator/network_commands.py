"""Commands about Wi-Fi and ESP-NOW (`T` 300 to 408). Nothing is sent: the emulator answers as an arm that is alone.

The wording of what they print is ours, except for the plain MAC line and the Wi-Fi information.
"""

from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.emulator.json_text import Command, object_text
from roarm_lab.emulator.memory import AP_ADDRESS, MAC

JOIN_AT_MOST_S = 15.0
MOST_PEERS = 10


def obey_broadcast(computer: Computer, command: Command) -> None:
    """300: obey every leader, or only one."""
    computer.ram.esp_now.obeys_broadcast = command.u8("mode") == 1
    computer.ram.esp_now.leader_mac = command.text("mac")


def radio_mode(computer: Computer, command: Command) -> None:
    """301: none, leader of a group, leader of one, follower."""
    if 0 <= command.i32("mode") <= 3:
        computer.ram.esp_now.mode = command.i32("mode")
        computer.ram.info = {"mode": computer.ram.esp_now.mode}


def own_mac(computer: Computer, command: Command) -> Work:
    """302: the own address as a plain line."""
    computer.ram.info = {"mac": MAC}
    return computer.say(MAC)


def add_peer(computer: Computer, command: Command) -> Work:
    """303: one more peer, ten at most."""
    peers, mac = computer.ram.esp_now.peers, command.text("mac")
    fits = len(peers) < MOST_PEERS and mac not in peers
    if fits:
        peers.append(mac)
    computer.ram.info = {"peers": len(peers)}
    return computer.say("peer added." if fits else "peer not added.")


def remove_peer(computer: Computer, command: Command) -> Work:
    """304: one peer less."""
    peers, mac = computer.ram.esp_now.peers, command.text("mac")
    known = mac in peers
    if known:
        peers.remove(mac)
    return computer.say("peer removed." if known else "peer not found.")


def send_packet(computer: Computer, command: Command) -> Work:
    """305, 306: one packet; nobody hears it."""
    return computer.say("packet sent, delivery failed.")


def wifi_at_boot(computer: Computer, command: Command) -> None:
    """401: what to do at boot; without `cmd` that is off."""
    if 0 <= command.i32("cmd") <= 3:
        computer.flash.wifi_mode = command.i32("cmd")


def access_point(computer: Computer, command: Command) -> None:
    """402: an own network."""
    wifi = computer.ram.wifi
    wifi.mode, wifi.ap_ssid, wifi.ap_password = 1, command.text("ssid"), command.text("password")


def join(computer: Computer, command: Command) -> Work:
    """403: join a network; none is found, so after 15 s it falls back to its own."""
    return _join(computer, 2, command.text("ssid"), command.text("password"))


def both(computer: Computer, command: Command) -> Work:
    """404: an own network and joining one."""
    wifi = computer.ram.wifi
    wifi.ap_ssid, wifi.ap_password = command.text("ap_ssid"), command.text("ap_password")
    return _join(computer, 3, command.text("sta_ssid"), command.text("sta_password"))


def _join(computer: Computer, mode: int, ssid: str, password: str) -> Work:
    wifi = computer.ram.wifi
    wifi.mode, wifi.sta_ssid, wifi.sta_password, wifi.sta_address = mode, ssid, password, ""
    if computer.firmware.joins_wifi_blocking:
        yield JOIN_AT_MOST_S
    wifi.mode = 1


def wifi_info(computer: Computer, command: Command) -> Work:
    """405: everything about Wi-Fi, passwords too, without a line end."""
    wifi = computer.ram.wifi
    members: dict[str, object] = {
        "ip": AP_ADDRESS if wifi.mode in {1, 3} else wifi.sta_address,
        "rssi": 0,
        "wifi_mode_on_boot": computer.flash.wifi_mode,
        "ap_ssid": wifi.ap_ssid,
        "ap_password": wifi.ap_password,
        "sta_ssid": wifi.sta_ssid,
        "sta_password": wifi.sta_password,
    }
    computer.ram.info = members
    return computer.write(object_text(members).encode())


def store_status(computer: Computer, command: Command) -> None:
    """406: store the networks as they are."""
    wifi, flash = computer.ram.wifi, computer.flash
    flash.wifi_mode, flash.ap_ssid, flash.ap_password = wifi.mode, wifi.ap_ssid, wifi.ap_password
    flash.sta_ssid, flash.sta_password = wifi.sta_ssid, wifi.sta_password


def store_input(computer: Computer, command: Command) -> None:
    """407: store the networks as given; without `mode` Wi-Fi is off at boot."""
    flash = computer.flash
    flash.wifi_mode = command.i32("mode") if 0 <= command.i32("mode") <= 3 else 0
    flash.ap_ssid, flash.ap_password = command.text("ap_ssid"), command.text("ap_password")
    flash.sta_ssid, flash.sta_password = command.text("sta_ssid"), command.text("sta_password")


def wifi_off(computer: Computer, command: Command) -> None:
    """408: Wi-Fi off."""
    computer.ram.wifi.mode = 0


def start_wifi(computer: Computer) -> Work:
    """Start what is stored, as every boot does; a stored network that is absent costs 15 s on every boot."""
    wifi, flash = computer.ram.wifi, computer.flash
    wifi.mode, wifi.ap_ssid, wifi.ap_password = flash.wifi_mode, flash.ap_ssid, flash.ap_password
    if flash.wifi_mode in {2, 3} and flash.sta_ssid:
        wifi.sta_ssid, wifi.sta_password = flash.sta_ssid, flash.sta_password
        yield JOIN_AT_MOST_S
        wifi.mode = 1


COMMANDS = {
    300: obey_broadcast, 301: radio_mode, 302: own_mac, 303: add_peer, 304: remove_peer, 305: send_packet,
    306: send_packet, 401: wifi_at_boot, 402: access_point, 403: join, 404: both, 405: wifi_info, 406: store_status,
    407: store_input, 408: wifi_off,
}  # fmt: skip
