"""Examine this machine: what a bench needs, what is plugged in, and the command that mends each fault.

A check must work where other parts are broken. It imports what it examines inside its function, and looks for
files below the root of its `Machine`, which a test replaces.
"""
