"""What a run benches: the settings in force, the boards, the pack, and what each test is put to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Any

import pytest

from hil import bench, probes
from hil import pack as packs
from hil.errors import HilError
from hil.figures import Pair
from hil.pack import Pack
from hil.results import store
from hil.settings import Settings, read
from reds.pack import PackError

PLAN = pytest.StashKey["Plan | str"]()


@dataclass(frozen=True)
class Plan:
    """What this run benches."""

    settings: Settings
    choices: tuple[bench.Choice, ...]
    pack: Pack

    @property
    def lines(self) -> list[str]:
        """What will be benched, why not the boards that are skipped, and why others only emulated."""
        benched = f"{self.pack.model.name} on {bench.summary(self.choices)}; {self.pack.inputs_are}"
        skipped = [f"skipped: {c.absent}" for c in self.choices if c.absent and not c.fails]
        emulated = [f"emulated: {c.no_hardware}" for c in self.choices if c.no_hardware]
        return [f"reds-hil: {line}" for line in (benched, *skipped, *emulated)]


def of(config: pytest.Config) -> "Plan | str":
    """What is to be benched, worked out once; a sentence when that is not possible."""
    if PLAN not in config.stash:
        try:
            settings = read(config)
            if settings.results:
                store.prepare(settings.results)
            pack = packs.load(settings.pack or packs.shipped())
            probe = probes.once(config, bench.absent)
            config.stash[PLAN] = Plan(settings, bench.choose(settings, pack.subnets, probe), pack)
        except (HilError, PackError) as error:
            config.stash[PLAN] = str(error)
    return config.stash[PLAN]


def _subnets(pack: Pack) -> Iterator[tuple[int, str]]:
    return enumerate(pack.subnets)


def _neighbours(pack: Pack) -> Iterator[tuple[Pair, str]]:
    for a, b in pairwise(range(len(pack.subnets))):
        yield (a, b), f"{pack.subnets[a]}<{pack.subnets[b]}"


def _pairs(pack: Pack) -> Iterator[tuple[Pair, str]]:
    for a, b in permutations(range(len(pack.subnets)), 2):
        yield (a, b), pack.pair((a, b))


AXES: Mapping[str, Callable[[Pack], Iterator[tuple[Any, str]]]] = {
    "subnet": _subnets,
    "neighbours": _neighbours,
    "pair": _pairs,
}
"""By the argument that a test asks for: its values for a pack, each with its name in the test's id."""
