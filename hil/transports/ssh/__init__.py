"""A machine over SSH: host key check, login, commands, file transfer."""
