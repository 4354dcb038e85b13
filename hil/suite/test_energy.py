"""Keep the energy of each inference and each switch of a board with a meter."""

from hil.energy.figures import Energy
from hil.results.samples import by_unit
from hil.results.statistics.quantiles import median
from hil.suite.fixtures import Record
from hil.suite.measurements import Measurements
from hil.suite.switch_pairs import pairs_into
from hil.suite.workload import Workload


def test_energy(
    workload: Workload, subnet: str, measurements: Measurements, energy: Energy, record_measurement: Record
) -> None:
    idle = energy.idle_milliwatts
    record_measurement(subnet, "energy", "mJ", median(energy.millijoules), energy.millijoules)
    record_measurement(subnet, "power_idle", "mW", sum(idle) / len(idle), idle)
    index, subnets = workload.subnets.index(subnet), len(workload.subnets)
    for pair in pairs_into(index, subnets) if subnets > 1 else ():
        times = by_unit(taken.select for taken in measurements.switch(pair).values())["us"]
        drawn = [milliwatts * median(times) / 1e6 for milliwatts in energy.milliwatts]
        record_measurement(workload.pair(pair), "energy_switch", "mJ", median(drawn), drawn)
    assert median(energy.millijoules) > 0, f"{subnet}: an inference takes no energy; check the meter's wires"
