"""Make the tables of the emulated Nano, and check its limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise

from hil.emulators.cycles import WAIT_STATES
from hil.kernels.baseline import Count
from hil.kernels.cases import EVERY, Most
from hil.kernels.layer_cases import LAYERS, MOST_A_MAC, MOST_AN_OUTPUT
from hil.kernels.nano import LayerCount, NetCounts
from hil.kernels.tables import Cell, Table
from reds.pack import layouts

MOST_ALONE = 1.02
"""Limit of a nested subnet, relative to the same subnet in a pack of its own."""
MOST_FIRST = 1.02
"""Limit of the first inference after a switch, relative to a steady one."""
MOST_SWITCH_CYCLES = 64


def counts(nets: Sequence[NetCounts], layers: Mapping[str, LayerCount]) -> dict[str, Count]:
    """Return all counts by their names in the baseline."""
    named = {f"layer {name}": layer.count for name, layer in layers.items()}
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
        for subnet, steady in zip(net.model.subnets, net.steady, strict=True):
            for unit, limit in asdict(EVERY[name].most.get(subnet.name, Most())).items():
                if limit is not None and (taken := getattr(steady, unit)) > limit:
                    yield f"{name} {subnet.name}: {taken:,} {unit.replace('_', ' ')}, {limit:,} allowed"
        for (small, less), (large, cost) in pairwise(zip(net.model.subnets, net.steady, strict=True)):
            if less.cycles >= cost.cycles:
                costs = f"{less.cycles:,} cycles, {name} {large.name} {cost.cycles:,}"
                yield f"{name} {small.name}: {costs}: a smaller subnet must take fewer"
        if (flash := EVERY[name].more_flash) and more(net) > flash:
            yield f"{name}: all subnets take {more(net):.1f} % more flash than the largest, {flash} allowed"
        if net.switch.cycles > MOST_SWITCH_CYCLES:
            yield f"{name}: a switch takes {net.switch.cycles} cycles, {MOST_SWITCH_CYCLES} allowed"
        if net.first > MOST_FIRST:
            yield f"{name}: {net.first:.3f} x a steady inference after a switch, {MOST_FIRST} allowed"


def layers_over_limits(layers: Mapping[str, LayerCount]) -> Iterator[str]:
    """Yield a sentence for each single layer that takes too many instructions for its work."""
    for name, layer in layers.items():
        limit, work = (MOST_A_MAC, "MAC") if layer.macs else (MOST_AN_OUTPUT, "output")
        if (each := layer.count.instructions / layer.work) > limit:
            yield f"{name}: {each:.2f} instructions for each {work}, {limit:g} allowed"


def more(net: NetCounts) -> float:
    """Return the flash that all subnets take beyond the largest alone, in percent."""
    return 100 * (net.flash / net.flash_alone[-1] - 1)


def net_table(nets: Sequence[NetCounts], lacking: Sequence[str]) -> Table:
    """Return the table of nets, a row for each subnet."""
    rows: list[tuple[Cell, ...]] = []
    for net in nets:
        for s, subnet in enumerate(net.model.subnets):
            steady, by_itself = net.steady[s], net.alone[s]
            other = EVERY[net.model.name].cmsis if subnet.name == "100%" else None
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


def flash_table(nets: Sequence[NetCounts]) -> Table:
    """Return the table of words that are read from flash, and of cycles with the wait states they take."""
    rows: list[tuple[Cell, ...]] = []
    for net in nets:
        for subnet, steady in zip(net.model.subnets, net.steady, strict=True):
            rows.append(
                (
                    *(
                        f"{net.model.name} {subnet.name}",
                        steady.flash_words,
                        steady.flash_words / subnet.macs,
                    ),
                    *(steady.cycles, steady.with_waits, steady.with_waits / steady.cycles),
                    steady.with_waits / subnet.macs,
                )
            )
    heads = (
        *("net", "flash words", "words/MAC", "cycles", "with wait states"),
        *("with : without", "with waits/MAC"),
    )
    note = (
        f"Estimate for the nRF52840: {WAIT_STATES} wait states, not checked on a board, for each word of data"
        " that is read from flash."
    )
    return Table("Words read from flash, emulated Nano 33 BLE", heads, tuple(rows), (note,))


def best_table(nets: Sequence[NetCounts]) -> Table:
    """Return the table of full nets beside the best engine that was measured on a Cortex-M4."""
    rows: list[tuple[Cell, ...]] = []
    for net in nets:
        if (best := EVERY[net.model.name].best) and not net.refused:
            ours = net.steady[-1]
            rows.append(
                (
                    *(net.model.name, best.engine, best.cycles, ours.cycles, ours.cycles / best.cycles),
                    *(ours.with_waits, ours.with_waits / best.cycles),
                )
            )
    heads = (
        *("net", "best engine", "its cycles", "our cycles", "ours : best"),
        *("ours with wait states", "with wait states : best"),
    )
    note = (
        "The engines were measured on a NUCLEO-L4R5ZI at 120 MHz (MLPerf Tiny, closed division), with the"
        " wait states of its flash. Our cycles are counted in emulation, without wait states. The last two"
        " columns estimate those of the nRF52840."
    )
    return Table("Beside the best measured engine, emulated Nano 33 BLE", heads, tuple(rows), (note,))


def switch_table(nets: Sequence[NetCounts]) -> Table:
    """Return the table of switches, a row for each net with several subnets."""
    rows = tuple(
        (net.model.name, net.switch.instructions, net.switch.cycles, net.first)
        for net in nets
        if len(net.model.subnets) > 1
    )
    heads = ("net", "instructions", "cycles", "first inference : steady")
    return Table("Worst switch of all ordered pairs, emulated Nano 33 BLE", heads, rows)


def layer_table(layers: Mapping[str, LayerCount]) -> Table:
    """Return the table of single layers: costs of a MAC, or of an output where a layer has none."""
    rows: list[tuple[Cell, ...]] = []
    for name, layer in layers.items():
        count, other = layer.count, LAYERS[name].cmsis
        cycles = count.cycles / layer.work
        rows.append(
            (
                *(name, layer.macs or None, layer.outputs, count.instructions, count.cycles),
                *(count.instructions / layer.work, cycles, count.with_waits / layer.work),
                *(other.instructions if other else None, other.cycles if other else None),
                cycles / other.cycles if other else None,
            )
        )
    heads = (
        *("layer", "MACs", "outputs", "instructions", "cycles"),
        *("instr each", "cycles each", "with waits each"),
        *("CMSIS-NN instr/MAC", "CMSIS-NN cycles/MAC", "cycles : CMSIS-NN"),
    )
    note = "Each: of a MAC, or of an output where a layer has no MACs."
    return Table("Single layers, emulated Nano 33 BLE", heads, tuple(rows), (note,))


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
