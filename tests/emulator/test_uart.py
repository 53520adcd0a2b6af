"""Bytes take their time, and buffers are small."""

import pytest

from roarm_lab.emulator.uart import Uart

BYTE_S = 10 / 115200
HALF = BYTE_S / 2


def test_a_line_of_the_newer_firmware_takes_28_ms() -> None:
    uart = Uart(115200)
    uart.send(b"x" * 326, 0.0)
    assert len(uart.take(0.0283 - HALF)) == 325
    assert uart.take(0.0283 + HALF) == b"x"


def test_the_sender_waits_until_128_bytes_are_left() -> None:
    uart = Uart(115200)
    assert uart.send(b"x" * 128, 0.0) == pytest.approx(0.0, abs=1e-12)
    assert uart.send(b"x" * 100, 0.0) == pytest.approx(100 * BYTE_S)


def test_received_bytes_arrive_one_after_another() -> None:
    uart = Uart(115200)
    uart.receive(b"abc", 1.0)
    assert uart.read(1.0 + 2 * BYTE_S + HALF) == b"ab"
    assert uart.read(2.0) == b"c"


def test_what_nobody_reads_is_lost_after_256_bytes() -> None:
    uart = Uart(115200)
    uart.receive(bytes(range(256)) + b"late", 0.0)
    assert uart.read(1.0) == bytes(range(256))
    assert uart.lost == 4


def test_a_reset_forgets_what_waits_but_not_what_has_left() -> None:
    uart = Uart(115200)
    uart.send(b"ab", 0.0)
    uart.receive(b"cd", 0.0)
    uart.reset(BYTE_S + HALF)
    assert uart.take(1.0) == b"a"
    assert uart.read(1.0) == b""
