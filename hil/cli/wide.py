"""Print the tables of runs."""

from rich.console import Console, RenderableType

from hil.results.blocks import COLUMNS


def print_wide(*shown: RenderableType) -> None:
    """Print tables whole also where the output is no terminal, or a narrow one."""
    console = Console(markup=False, emoji=False, highlight=False)
    console.width = max(COLUMNS, console.width)
    for each in shown:
        console.print(each, soft_wrap=isinstance(each, str))
