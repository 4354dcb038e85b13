"""Measure the cost of inferences on the emulated Nano and on this machine."""
