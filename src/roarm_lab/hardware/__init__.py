"""Servos and cameras: what is plugged in, behind the words of the house, without simulator or PyTorch."""
