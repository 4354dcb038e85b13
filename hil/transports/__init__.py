"""Byte streams to an agent, each operation under a deadline: process, serial port, SSH, ADB."""
