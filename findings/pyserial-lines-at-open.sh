#!/usr/bin/env bash
# pyserial 3.5: `dtr = rts = False` before `open` does not open quietly: for a moment RTS stands alone.
#
# One would guess: both lines are set before the port is opened, so the device never sees one of them on.
#
# What happens: Linux raises DTR and RTS at every open, and pyserial lowers them afterwards, one after the other, DTR
# first. In between RTS is on and DTR is off: on boards with the usual two-transistor circuit that is the reset. To lower
# RTS first would leave no such moment. (A pseudo-terminal stands in for the port here: it has no such lines, so what
# pyserial asks of the kernel is noted down on its way.)
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pyserial==3.5
cat >lines.py <<'PY'
import os
import pty
import struct
import termios

import serial
from serial import serialposix

asked = []
NAMES = {termios.TIOCM_DTR: "DTR", termios.TIOCM_RTS: "RTS"}
ACTS = {termios.TIOCMBIC: "lower", termios.TIOCMBIS: "raise"}


class Noting:
    def __getattr__(self, name):
        return getattr(real, name)

    def ioctl(self, handle, request, argument=0, *rest):
        if request in ACTS:
            asked.append(f"{ACTS[request]} {NAMES[struct.unpack('I', argument)[0]]}")
            return 0
        return real.ioctl(handle, request, argument, *rest)


real, serialposix.fcntl = serialposix.fcntl, Noting()
master, slave = pty.openpty()
port = serial.Serial()
port.port = os.ttyname(slave)
port.dtr = port.rts = False
port.open()
port.close()
print("pyserial", serial.VERSION)
print("at open, after the kernel has raised both:", ", then ".join(asked))
assert asked == ["lower DTR", "lower RTS"]
PY
venv/bin/python lines.py
echo "as described"
