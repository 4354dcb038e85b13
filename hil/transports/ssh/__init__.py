"""Reach a machine over SSH: check its host key, log in, run commands, store files."""
