"""Carry bytes to an agent, each operation under a deadline: child process, serial port, TCP, SSH, ADB."""
