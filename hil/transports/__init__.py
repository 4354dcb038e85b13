"""Carry bytes to an agent, each operation under a deadline: child process, serial port, SSH, ADB."""
