"""Puts boards and subnets to the suite's tests: the fixtures do all that can lose a board, tests only judge.

So a board that is lost is an error, and only a figure that does not hold is a failure.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest
from numpy.typing import NDArray

from hil import bench
from hil import plan as plans
from hil.boards.board import Outputs, SwitchSamples
from hil.errors import HilError, LinkError, UnfitError
from hil.figures import Figures, Pair
from hil.pack import Pack
from hil.plan import AXES, PLAN, Plan
from hil.results import replay
from hil.results.progress import progress
from hil.results.samples import Samples
from hil.results.store import Measurement
from reds import reference

Record = Callable[[str, str, str, float, Iterable[float]], None]
"""Takes subnet, metric, unit, value and samples."""
Uncaptured = Callable[[], AbstractContextManager[None]]
TAKEN = pytest.StashKey[list[Measurement]]()
GONE = pytest.StashKey[dict[bench.Choice, str]]()
"""Boards that did not start or were lost, and the error that said so."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test once for each board, and for each subnet, neighbours or pair that it asks for."""
    axis = next((name for name in AXES if name in metafunc.fixturenames), None)
    if axis is None:
        return
    plan = plans.of(metafunc.config)
    if isinstance(plan, str):
        metafunc.parametrize(axis, [])
        return
    boards = [pytest.param(choice, id=choice.id) for choice in plan.choices]
    lonely = pytest.mark.skip(reason=f"{plan.pack.model.name} has one subnet only")
    cases = [pytest.param(case, id=label) for case, label in AXES[axis](plan.pack)]
    metafunc.parametrize("figures", boards, indirect=True, scope="session")
    metafunc.parametrize(axis, cases or [pytest.param(None, marks=lonely)])


@pytest.hookimpl(trylast=True)  # after -k and its like have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run if it cannot be set up; xdist's controlling process does so for its workers."""
    if PLAN not in config.stash:
        return
    plan = plans.of(config)
    if isinstance(plan, str) and not hasattr(config, "workerinput"):
        raise pytest.UsageError(plan)
    for item in items:
        if _choice(item) and "replay" in getattr(item, "fixturenames", ()):
            replay.attach(config, item)


def _choice(item: pytest.Item) -> bench.Choice | None:
    """The board that a test of the suite is put to; None for other tests."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    choice = params.get("figures")
    return choice if isinstance(choice, bench.Choice) else None


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """What will be benched."""
    plan = config.stash.get(PLAN, None)
    return plan.lines if isinstance(plan, Plan) else []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """One error is enough for each board: the tests that it leaves undone are skipped."""
    choice = _choice(item)
    item.user_properties += choice.properties if choice else []
    gone = item.config.stash.get(GONE, {})
    if choice in gone:
        pytest.skip(f"not run: {gone[choice]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the measurements along with the report; say what became of a board in its own sentence."""
    report = yield
    if call.excinfo and isinstance(error := call.excinfo.value, HilError):
        report.longrepr = str(error)
        started = "figures" in getattr(item, "funcargs", ())
        if (choice := _choice(item)) and (not started or isinstance(error, LinkError | UnfitError)):
            item.config.stash.setdefault(GONE, {}).setdefault(choice, str(error))
    taken = item.stash.get(TAKEN, []) if call.when == "call" else []
    report.hil = [m.plain() for m in taken]  # type: ignore[attr-defined]  # reports carry extras to xdist
    return report


@pytest.fixture(scope="session")
def plan(pytestconfig: pytest.Config) -> Plan:
    """What this run benches."""
    made = plans.of(pytestconfig)
    assert isinstance(made, Plan)  # else collection has ended the run
    return made


@pytest.fixture(scope="session")
def pack(plan: Plan) -> Pack:
    """The pack under test, with the inputs to run."""
    return plan.pack


@pytest.fixture(scope="session")
def uncaptured(pytestconfig: pytest.Config) -> Uncaptured:
    """Lets a progress bar through pytest's capturing."""
    manager = pytestconfig.pluginmanager.getplugin("capturemanager")
    return manager.global_and_fixture_disabled if manager else nullcontext


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest, plan: Plan, uncaptured: Uncaptured) -> Iterator[Figures]:
    """A board with the pack deployed; skips one that is absent."""
    choice: bench.Choice = request.param
    if choice.absent and not choice.fails:
        pytest.skip(choice.absent)

    def say(text: str) -> None:
        with uncaptured():
            bench.to_stderr(text)

    with choice.start(say, plan.settings.lease_wait) as board:
        what = f"{board.name}: storing {plan.pack.model.name}"
        with progress(what, plan.pack.size, uncaptured) as advance:
            board.deploy(plan.pack.model, advance)
        entry, told = choice.entry, plan.settings
        budgets = {"us": entry.latency_us, "instructions": entry.instructions}
        limits = {"us": told.switch_limit_us, "instructions": entry.switch_instructions}
        yield Figures(board, plan.pack, budgets, limits, told.samples)


@pytest.fixture(scope="session")
def reference_outputs(plan: Plan) -> list[Outputs]:
    """What the norm says of every subnet on the pack's inputs."""
    model = plan.pack.model
    return [reference.run(model, s, plan.pack.inputs) for s in range(len(model.subnets))]


@pytest.fixture
def expected(reference_outputs: list[Outputs], subnet: int) -> Outputs:
    """What the norm says of this subnet."""
    return reference_outputs[subnet]


@pytest.fixture
def outputs(figures: Figures, subnet: int, uncaptured: Uncaptured) -> Outputs:
    """What the board says of this subnet, on the same inputs."""
    what = f"{figures.board.name}: {figures.pack.inputs_are}"
    with progress(what, len(figures.pack.inputs), uncaptured) as advance:
        return figures.outputs(advance)[subnet]


@pytest.fixture
def truth(pack: Pack) -> NDArray[np.uint8]:
    """The classes of the labelled clips; skips where they are not at hand."""
    if not len(pack.truth):
        pytest.skip(f"no labelled clips for {pack.model.name}: {pack.unlabelled}")
    return pack.truth


@pytest.fixture
def budgets(figures: Figures, subnet: int) -> Mapping[str, float]:
    """What boards.toml allows this subnet, by unit."""
    label = figures.pack.subnets[subnet]
    return {unit: by_label[label] for unit, by_label in figures.budgets.items() if label in by_label}


def _counting(figures: Figures) -> Figures:
    """Those of a board that counts anything; skips Android's own emulator, where time is its host's."""
    if not figures.board.facts().clocks:
        pytest.skip(f"{figures.board.name} counts nothing, so nothing is timed on it")
    return figures


@pytest.fixture
def latency(figures: Figures, subnet: int) -> Mapping[str, Samples]:
    """Steady inferences of this subnet, on each clock."""
    return _counting(figures).latency(subnet)


@pytest.fixture(name="replay")
def _replay(request: pytest.FixtureRequest) -> Callable[[Sequence[float]], None]:
    """Shows samples in us to pytest-benchmark, where it was asked to keep or compare some."""
    clock = request.node.stash.get(replay.CLOCK, None)
    if clock is None:
        return lambda samples: None
    return lambda samples: clock.play(request.getfixturevalue("benchmark"), samples)


@pytest.fixture
def latencies(figures: Figures, neighbours: Pair) -> tuple[Mapping[str, Samples], Mapping[str, Samples]]:
    """Steady inferences of the smaller and the larger subnet, on each clock."""
    smaller, larger = neighbours
    return _counting(figures).latency(smaller), figures.latency(larger)


@pytest.fixture
def switch(figures: Figures, pair: Pair) -> Mapping[str, SwitchSamples]:
    """Switches of this pair, on each clock."""
    return _counting(figures).switch(pair)


@pytest.fixture
def steady(figures: Figures, pair: Pair) -> Mapping[str, Samples]:
    """Steady inferences of the subnet that the pair ends in, on each clock."""
    return figures.latency(pair[1])


@pytest.fixture
def record(request: pytest.FixtureRequest, figures: Figures) -> Record:
    """Keeps a measurement of this board: for the table, the results file and JUnit's properties."""
    facts, pack = figures.board.facts(), figures.pack
    noted: list[tuple[str, object]] = request.node.user_properties
    noted.append(("inputs", pack.inputs_are))
    taken = request.node.stash.setdefault(TAKEN, [])

    def keep(subnet: str, metric: str, unit: str, value: float, samples: Iterable[float]) -> None:
        who = facts.target, facts.name, str(facts.provenance), pack.model.name, pack.sha256
        seen = figures.conditions
        when = dict(zip(("before", "after"), (c.plain() for c in seen), strict=True)) if seen else None
        taken.append(Measurement(*who, subnet, metric, unit, value, tuple(samples), when))
        noted.append((f"{subnet} {metric} [{unit}]", value))

    return keep
