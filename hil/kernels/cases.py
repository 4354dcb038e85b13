"""List the nets of the bench, with their limits and the figures that they are compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from hil.kernels import case_nets
from reds.graph import Graph, Widths
from reds.zoo import by_name


@dataclass(frozen=True)
class Cmsis:
    """Cost in CMSIS-NN (2026, arm-none-eabi-gcc 12.2 -O3) on a Cortex-M4, cycles without wait states."""

    instructions: float
    cycles: float


@dataclass(frozen=True)
class Best:
    """Best engine that was measured on a Cortex-M4, with the wait states of that board's flash."""

    engine: str
    cycles: float


@dataclass(frozen=True)
class Most:
    """Limits of one inference, everything included; None for no limit."""

    instructions: int | None = None
    cycles: int | None = None
    flash_words: int | None = None


@dataclass(frozen=True)
class Net:
    """Figures that a net of the bench is compared with, and its limits."""

    cmsis: Cmsis | None = None
    """Cost of one inference of the full net in CMSIS-NN, if it is known."""
    best: Best | None = None
    """Best measured engine, if the net is in MLPerf Tiny."""
    most: Mapping[str, Most] = field(default_factory=dict)
    """Limits of subnets by their names."""
    more_flash: float | None = None
    """Limit of the flash that all subnets take beyond the largest alone, in percent."""
    graph: Callable[[], Graph] | None = None
    """Makes the net; None for a net of `reds.zoo`."""
    widths: Callable[[Graph], Mapping[str, Widths]] | None = None
    """Makes the widths of its subnets; None for uniform ones."""


NETS: Mapping[str, Net] = {
    "dnn-s": Net(Cmsis(172_317, 212_538), most={"100%": Most(80_000, 112_000)}, more_flash=12),
    "dnn-l": Net(more_flash=12),
    "cnn-s": Net(most={"100%": Most(flash_words=25_000)}),
    "ds-cnn-s": Net(
        Cmsis(7.84e6, 9.22e6),
        Best("ST X-CUBE-AI 9.0", 5.18e6),
        {"25%": Most(cycles=1_200_000), "100%": Most(2_800_000, 3_500_000, 15_000)},
        25,
    ),
    "mobilenet-0.25": Net(
        Cmsis(24.7e6, 29.4e6),
        Best("ST X-CUBE-AI 9.0", 10.67e6),
        {"100%": Most(8_550_000, 10_100_000, 150_000)},
    ),
    "resnet8": Net(
        best=Best("ST X-CUBE-AI 9.0", 19.82e6), most={"100%": Most(cycles=16_000_000, flash_words=40_000)}
    ),
    "autoencoder": Net(best=Best("Plumerai, MLPerf Tiny 1.1", 0.486e6), most={"100%": Most(cycles=370_000)}),
}
"""Nets by their names in `reds.zoo`. MLPerf Tiny measures its nets on a NUCLEO-L4R5ZI at 120 MHz."""

UNUSUAL: Mapping[str, Net] = {
    "ds-cnn-s-5x5": Net(graph=case_nets.ds_cnn_5x5),
    "ds-cnn-s-odd": Net(graph=partial(by_name, "ds-cnn-s"), widths=case_nets.odd_widths),
    "odd-widths": Net(graph=case_nets.odd_net, widths=case_nets.odd_widths),
    "mobilenet-v2-blocks": Net(graph=case_nets.inverted_residuals, most={"100%": Most(cycles=6_500_000)}),
}
"""Nets whose kernels, widths or activations none of NETS has; counted on the emulated Nano only."""

EVERY: Mapping[str, Net] = {**NETS, **UNUSUAL}


def graph_of(name: str) -> Graph:
    """Return a net of EVERY."""
    make = EVERY[name].graph
    return make() if make else by_name(name)


def widths_of(name: str, graph: Graph) -> Mapping[str, Widths] | None:
    """Return the widths of the subnets of a net of EVERY by their names; None for uniform ones."""
    make = EVERY[name].widths
    return make(graph) if make else None
