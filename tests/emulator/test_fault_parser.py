"""Faults by the names a person types."""

from dataclasses import fields

import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.emulator.control import fault_list
from roarm_lab.emulator.fault_parser import FAULT_WORDS, with_fault, without_fault
from roarm_lab.emulator.faults import Faults

NOT_TYPED = {"seed", "stall_s"}


def test_every_fault_can_be_typed_and_is_listed() -> None:
    assert {word.field for word in FAULT_WORDS.values()} == {field.name for field in fields(Faults)} - NOT_TYPED
    assert [line.split()[0] for line in fault_list().splitlines()] == list(FAULT_WORDS)


@pytest.mark.parametrize("name", FAULT_WORDS)
def test_a_fault_comes_and_goes(name: str) -> None:
    faults = with_fault(Faults(seed=3), name)
    assert faults != Faults(seed=3)
    assert without_fault(faults, name) == Faults(seed=3)


def test_a_number_is_taken_in_both_ways_of_writing() -> None:
    assert with_fault(Faults(), "supply-volts 9.5") == with_fault(Faults(), "supply-volts=9.5") == Faults(supply_v=9.5)


def test_servos_die_one_after_the_other() -> None:
    assert with_fault(with_fault(Faults(), "dead-servo 14"), "dead-servo 11").dead_servos == (11, 14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("garbled", "There is no fault named 'garbled'. Did you mean 'garbled-lines'?"),
        ("", "There is no fault named ''"),
        ("bus-unpowered 3", "bus-unpowered takes no number, got '3'"),
        ("garbled-lines much", "garbled-lines takes one number, got 'much'"),
        ("garbled-lines 0.1 0.2", "garbled-lines takes one number, got '0.1 0.2'"),
        ("garbled-lines nan", "0 to 1, got nan"),
        ("dead-servo 9", "11 to 17"),
        ("dead-servo 14.5", "whole number"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        with_fault(Faults(), text)


def test_a_fault_that_does_not_exist_can_not_be_cleared() -> None:
    with pytest.raises(UnknownNameError, match="There is no fault named 'bus'"):
        without_fault(Faults(), "bus")
