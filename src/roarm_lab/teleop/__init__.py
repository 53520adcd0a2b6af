"""An arm moved by a person: devices, and the loop that listens to them."""
