"""The only door to an arm: the measured state and the control loop."""
