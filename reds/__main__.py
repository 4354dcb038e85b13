"""Run the command `reds` as `python -m reds`, which `torchrun -m reds` needs."""

from reds.cli import main

main(prog_name="reds")
