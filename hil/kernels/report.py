"""Make the tables of the emulated Nano, and check its limits."""

from collections.abc import Iterator, Mapping, Sequence

from hil.kernels.baseline import Count
from hil.kernels.cases import LAYERS, NETS
from hil.kernels.nano import NetCounts
from hil.kernels.tables import Cell, Table
from reds.pack import layouts

MOST_ALONE = 1.02
"""Limit of a nested subnet, relative to the same subnet in a pack of its own."""
MOST_FIRST = 1.02
"""Limit of the first inference after a switch, relative to a steady one."""
MOST_SWITCH_CYCLES = 64


def counts(nets: Sequence[NetCounts], layers: Mapping[str, tuple[int, Count]]) -> dict[str, Count]:
    """Return all counts by their names in the baseline."""
    named = {f"layer {name}": count for name, (_, count) in layers.items()}
    for net in nets:
        for subnet, steady, by_itself in zip(net.model.subnets, net.steady, net.alone, strict=True):
            named[f"{net.model.name} {subnet.name}"] = steady
            named[f"{net.model.name} {subnet.name} alone"] = by_itself
        named[f"{net.model.name} worst switch"] = net.switch
    return named


def over_limits(nets: Sequence[NetCounts]) -> Iterator[str]:
    """Yield a sentence for each limit that is exceeded."""
    for net in nets:
        name = net.model.name
        for subnet, steady, by_itself in zip(net.model.subnets, net.steady, net.alone, strict=True):
            both = steady.instructions / by_itself.instructions, steady.cycles / by_itself.cycles
            if max(both) > MOST_ALONE:
                yield f"{name} {subnet.name}: {max(both):.3f} x the cost of it alone, {MOST_ALONE} allowed"
        if (most := NETS[name].most) and not net.refused:
            full = net.steady[-1]
            if full.instructions > most.instructions or full.cycles > most.cycles:
                yield (
                    f"{name}: {full.instructions:,} instructions and {full.cycles:,} cycles,"
                    f" {most.instructions:,} and {most.cycles:,} allowed"
                )
        if (flash := NETS[name].more_flash) and more(net) > flash:
            yield f"{name}: all subnets take {more(net):.1f} % more flash than the largest, {flash} allowed"
        if net.switch.cycles > MOST_SWITCH_CYCLES:
            yield f"{name}: a switch takes {net.switch.cycles} cycles, {MOST_SWITCH_CYCLES} allowed"
        if net.first > MOST_FIRST:
            yield f"{name}: {net.first:.3f} x a steady inference after a switch, {MOST_FIRST} allowed"


def more(net: NetCounts) -> float:
    """Return the flash that all subnets take beyond the largest alone, in percent."""
    return 100 * (net.flash / net.flash_alone[-1] - 1)


def net_table(nets: Sequence[NetCounts], lacking: Sequence[str]) -> Table:
    """Return the table of nets, a row for each subnet."""
    rows: list[tuple[Cell, ...]] = []
    for net in nets:
        for s, subnet in enumerate(net.model.subnets):
            steady, by_itself = net.steady[s], net.alone[s]
            other = NETS[net.model.name].cmsis if subnet.name == "100%" else None
            rows.append(
                (
                    *(f"{net.model.name} {subnet.name}", subnet.macs, steady.instructions, steady.cycles),
                    *(steady.instructions / subnet.macs, steady.cycles / subnet.macs),
                    steady.cycles / by_itself.cycles,
                    steady.instructions / other.instructions if other else None,
                    steady.cycles / other.cycles if other else None,
                )
            )
    heads = (
        *("net", "MACs", "instructions", "cycles", "instr/MAC", "cycles/MAC"),
        *("cycles : alone", "instr : CMSIS-NN", "cycles : CMSIS-NN"),
    )
    cuts = [net.refused for net in nets if net.refused]
    return Table("Nets, emulated Nano 33 BLE", heads, tuple(rows), (*cuts, *lacking))


def switch_table(nets: Sequence[NetCounts]) -> Table:
    """Return the table of switches, a row for each net with several subnets."""
    rows = tuple(
        (net.model.name, net.switch.instructions, net.switch.cycles, net.first)
        for net in nets
        if len(net.model.subnets) > 1
    )
    heads = ("net", "instructions", "cycles", "first inference : steady")
    return Table("Worst switch of all ordered pairs, emulated Nano 33 BLE", heads, rows)


def layer_table(layers: Mapping[str, tuple[int, Count]]) -> Table:
    """Return the table of single layers."""
    rows: list[tuple[Cell, ...]] = []
    for name, (macs, count) in layers.items():
        instructions, cycles, other = count.instructions / macs, count.cycles / macs, LAYERS[name][1]
        rows.append(
            (
                *(name, macs, count.instructions, count.cycles, instructions, cycles),
                *(other.instructions, other.cycles, cycles / other.cycles),
            )
        )
    heads = (
        *("layer", "MACs", "instructions", "cycles", "instr/MAC", "cycles/MAC"),
        *("CMSIS-NN instr/MAC", "CMSIS-NN cycles/MAC", "cycles : CMSIS-NN"),
    )
    return Table("Single layers, emulated Nano 33 BLE", heads, tuple(rows))


def size_table(nets: Sequence[NetCounts]) -> Table:
    """Return the table of flash and arena: all subnets, the largest alone, a pack for each."""
    rows: list[tuple[Cell, ...]] = []
    for net in nets:
        each, every = net.flash_alone, range(len(net.model.subnets))
        arenas = " / ".join(f"{layouts.plan(net.model, s, net.layouts).size:,}" for s in every)
        rows.append(
            (net.model.name, layouts.names(net.layouts), net.flash, each[-1], more(net), sum(each), arenas)
        )
    heads = ("net", "layout", "pack", "largest alone", "more, %", "a pack each", "arena of each subnet")
    return Table("Flash and arena, bytes, emulated Nano 33 BLE", heads, tuple(rows))
