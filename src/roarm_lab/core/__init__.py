"""What every room may use: arrays, rotations, clocks, errors, messages and the State protocol."""
