"""RoArm Lab: simulate, train and run policies for one affordable robot arm."""

__version__ = "0.1.0"
