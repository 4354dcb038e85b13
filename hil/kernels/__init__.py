"""Bench the kernels: what an inference costs on the emulated Nano and on this machine."""
