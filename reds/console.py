"""Make the consoles of the commands, on which text of others is only text."""

from rich.console import Console


def plain_console(stderr: bool = False) -> Console:
    """Return a console that reads no markup and no emoji codes in what it prints.

    With markup a name such as `desk [lab]` would lose its end, and `desk[/lab]` would raise an error.

    Args:
        stderr: Print to standard error.
    """
    return Console(stderr=stderr, markup=False, emoji=False)
