"""Test where the time of an inference goes, layer by layer, and how much RAM it takes."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from hil.boards.board import Board
from hil.boards.entry import Entry
from hil.boards.facts import Provenance
from hil.boards.profiling import profile
from hil.boards.registry import target
from hil.cli import main
from hil.errors import NotMeasurable, ProtocolError
from hil.firmware import build
from hil.results.layer_facts import LayerFacts, layer_facts
from hil.results.memory import Memory, check_memory
from hil.results.profile import LAYER_MORE, Cost, Profile
from hil.results.profile_table import plain, render
from hil.results.weights_read import marked, prefix
from reds import pack
from reds.fixtures import fixtures_dir
from reds.pack import layouts
from reds.pack.layouts import CANONICAL, LAYOUTS
from reds.pack.model import Model
from reds.pack.padding import round_up
from tests.hil.support import AGENTS
from tests.hil.support.raising import raises
from tests.hil.support.suite_run import BoardsToml, Run, outcomes, suite_size
from tests.support.depth import deep_nets
from tests.support.modern import modern_nets
from tests.support.nets import dense_model, inputs, random_model
from tests.targets.support.sources import TARGETS

ROOT = TARGETS.parent
TIMES = st.floats(min_value=0, max_value=1e9)


@pytest.fixture(scope="module")
def nano() -> Iterator[Board]:
    with target("nano33ble").start(Entry("nano", "nano33ble"), Provenance.EMULATED) as board:
        yield board


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=255), st.integers(-(10**5), 10**5))
def test_exact_counts_add_up_within_the_cost_of_finding_each_layer(layers: list[int], more: int) -> None:
    cost = Cost(tuple((float(n),) for n in layers), (float(sum(layers) - more),), 20)
    assert cost.more == more
    assert cost.adds_up(exact=True) == (abs(more) <= LAYER_MORE * len(layers))


@given(st.lists(TIMES, min_size=1, max_size=255), TIMES, st.floats(min_value=0, max_value=1e3))
def test_times_that_differ_by_less_than_noise_add_up(
    layers: list[float], whole: float, reading: float
) -> None:
    cost = Cost(tuple((each, each) for each in layers), (whole, whole), reading)
    assert sum(cost.shares) == pytest.approx(1.0 if sum(layers) else 0.0)
    if abs(sum(layers) - whole) <= 0.049 * whole:
        assert cost.adds_up(exact=False)
    if abs(sum(layers) - whole) > 0.051 * whole + 2.001 * reading * len(layers):
        assert not cost.adds_up(exact=False)


def test_times_that_other_programs_slowed_add_up_and_a_layer_left_out_does_not() -> None:
    layers = tuple((20.0, 20.0, 20.0, 70.0, 90.0, 50.0) for _ in range(10))
    whole = (203.0, 203.0, 203.0, 400.0, 203.0, 203.0)
    assert Cost(layers, whole, 0.0).adds_up(exact=False)
    assert not Cost(layers[1:], whole, 0.0).adds_up(exact=False)


@pytest.mark.parametrize("model", [*map(random_model, range(16), [3] * 16), *deep_nets(range(4))])
def test_facts_of_layers_are_those_of_their_subnet(model: Model) -> None:
    for chosen in (layouts.preferring(model, layout) for layout in LAYOUTS.values()):
        for subnet in range(3):
            facts = layer_facts(model, subnet, chosen)
            assert sum(fact.macs for fact in facts) == model.macs(subnet)
            assert max(fact.arena for fact in facts) <= layouts.plan(model, subnet, chosen).size
            for fact, step in zip(facts, model.subnets[subnet].steps, strict=True):
                layer, layout = model.layers[step.layer], chosen[step.layer]
                activation = 0 if step.activation is None else 256
                table = len(layout.table(layer, step)) + len(layout.plain(layer, step)) + activation
                assert (fact.index, fact.layout) == (step.layer, layout.name)
                assert table <= fact.flash <= round_up(len(layout.weights(layer)), 4) + table


def test_flash_and_arena_of_a_dense_net_are_those_counted_by_hand() -> None:
    """20 inputs; rows of 20 bytes, of which a subnet reads a prefix; tables of 8 or 4 bytes for each row."""
    model = dense_model([20, 24, 16], [[8, 4], [24, 16]])
    small, full = (layer_facts(model, subnet, [CANONICAL] * 2) for subnet in (0, 1))
    assert [layer.flash for layer in small] == [8 * 20 + 8 * 8, 4 * 8 + 4 * 8]
    assert [layer.flash for layer in full] == [24 * 20 + 24 * 8, 16 * 24 + 16 * 8]
    assert [(layer.kind, layer.shape, layer.macs) for layer in small] == [
        *[("dense", "8", 160), ("dense", "4", 32)]
    ]
    assert [layer.arena for layer in full] == [32 + 32, 32 + 16]
    assert [layer.flash for layer in layer_facts(model, 0, [LAYOUTS[4]] * 2)] == [160 + 36, 32 + 20]
    assert [layer.arena for layer in layer_facts(model, 1, [LAYOUTS[4]] * 2)] == [64 + 48, 48 + 48]


def test_weights_marked_as_read_are_those_of_the_subnet() -> None:
    for model in modern_nets(range(30)):
        for subnet, chosen in enumerate(model.subnets):
            for step, units in zip(chosen.steps, prefix(model, subnet), strict=True):
                layer = model.layers[step.layer]
                read = layer.weights[marked(layer, units) == 1]
                assert np.array_equal(read, layer.subnet_weights(step).ravel())


def test_table_of_the_largest_nets_of_the_nano_fits_a_terminal() -> None:
    layer = LayerFacts(10, "average_pool", "48x48x16", 2_000_000, 10_000, 95_000, "radix256")
    cost = Cost(((2_000_000.0,),) * 28, (56_000_000.0,), 20.0)
    costs = {"cycles": cost, "instructions": cost, "us": Cost(((31_250.0,),) * 28, (875_000.0,), 0.3)}
    found = Profile("net", "100%", "board", "emulated", (layer,) * 28, costs)
    lines = render(found, Memory(4_194_304, 4096, 48)).splitlines()
    assert max(map(len, lines)) <= 100
    assert "…" not in "".join(lines)
    assert not any(line.startswith("layout") for line in lines)
    assert lines[-1] == "4,198,448 bytes of RAM: arena 4,194,304, stack 4,096, runtime 48"


def test_layouts_of_layers_are_named_where_they_differ() -> None:
    layers = [
        LayerFacts(index, "conv", "4", 16, 16, 16, layout)
        for index, layout in ((0, "radix256"), (2, "canonical"), (3, "radix256"))
    ]
    profile = Profile("net", "25%", "b", "emulated", tuple(layers), {"us": Cost(((1.0,),) * 3, (3.0,), 0.0)})
    lines = render(profile, "unknown").splitlines()
    assert [line for line in lines if line.startswith("layout")] == [
        "layout radix256: layers 0, 3",
        "layout canonical: layers 2",
    ]
    assert [layer["layout"] for layer in plain(profile, "unknown")["layers"]] == [
        "radix256", "canonical", "radix256"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("stack", "state"), [(0, 28), (304, 0), (2**32 - 1, 28), (304, 2**32 - 1), (1 << 20, 4097)]
)
def test_memory_that_no_inference_takes_is_refused(stack: int, state: int) -> None:
    check_memory(304, 28)
    with raises(ProtocolError):
        check_memory(stack, state)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_layers_one_by_one_take_the_same_instructions_more_in_every_net(nano: Board) -> None:
    """Each layer takes as many more, less what a loop over all of them takes once."""
    more: dict[int, set[float]] = {}
    nets = [dense_model([12, *[8] * n], [[4] * n, [8] * n], name=f"{n} layers") for n in (1, 2, 5)]
    for model in (*nets, *(random_model(seed) for seed in range(4))):
        nano.deploy(model)
        for subnet in (0, 1):
            found = profile(nano, model, subnet, inputs(model, 1))
            more.setdefault(len(model.layers), set()).add(found.costs["instructions"].more)
            assert found.costs["instructions"].adds_up(exact=True)
            assert found.costs["cycles"].adds_up(exact=True)
    assert len(more) > 3
    (once,), (twice,) = more[1], more[2]
    each = twice - once
    assert 0 < each <= LAYER_MORE
    assert more == {layers: {once + (layers - 1) * each} for layers in more}
    (told,) = re.findall(r"about (\d+) instructions more each", (ROOT / "docs/firmware.md").read_text())
    assert each == pytest.approx(int(told), abs=2)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_a_profile_has_the_layers_that_the_subnet_runs(nano: Board) -> None:
    for model in deep_nets([1]):
        nano.deploy(model)
        for s, subnet in enumerate(model.subnets):
            found = profile(nano, model, s, inputs(model, 1))
            assert [layer.index for layer in found.layers] == [step.layer for step in subnet.steps]
            assert found.costs["instructions"].adds_up(exact=True)


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_memory_of_the_emulated_nano_repeats_and_grows_with_the_arena_alone(
    nano: Board, small: Model
) -> None:
    nano.deploy(small)
    least, most = (nano.memory(subnet, inputs(small, 3)) for subnet in (0, 1))
    assert nano.memory(0, inputs(small, 3)) == least
    assert least.stack == most.stack
    assert 128 < least.stack < 1024
    assert least.state == 28
    assert most.arena == layouts.plan(small, 1, nano.layouts(small)).size
    assert most.ram == most.arena + most.stack + most.state


def frames(source: Path, folder: Path) -> dict[str, int]:
    """Return the bytes of stack of each function of a source, as the compiler states them."""
    machine = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
    command = ["arm-none-eabi-gcc", "-std=c11", "-O3", *machine, "-fstack-usage", "-c", str(source)]
    subprocess.run([*command, "-o", str(folder / "out.o")], check=True)
    rows = [line.split("\t") for line in (folder / "out.su").read_text().splitlines()]
    return {name.rpartition(":")[2]: int(size) for name, size, _ in rows}


@pytest.mark.qemu("qemu-system-arm")
@pytest.mark.cross("arm-none-eabi-gcc")
def test_stack_of_the_emulated_nano_is_that_of_its_deepest_frames(
    nano: Board, small: Model, tmp_path: Path
) -> None:
    runtime = TARGETS / "runtime"
    run = frames(runtime / "run.c", tmp_path)["reds_run"]
    dense = frames(runtime / "kernels/cortex_m4/dense.c", tmp_path)["reds_m4_run_dense"]
    pushed = 12 * 4  # by the assembler of rows.S
    nano.deploy(small)
    assert nano.memory(1, inputs(small, 1)).stack == run + dense + pushed


@pytest.fixture(scope="session")
def deep_agent() -> Path:
    return build.agent("desktop", AGENTS / "deep.c")


def test_stack_is_measured_to_the_byte_or_said_to_be_too_deep(
    desktop: Board, small: Model, deep_agent: Path
) -> None:
    x = inputs(small, 2)
    desktop.deploy(small)
    usual = desktop.memory(0, x)
    with target("desktop").start(Entry("deep", "desktop", agent=deep_agent), Provenance.HARDWARE) as board:
        board.deploy(small)
        more = board.memory(0, x).stack - usual.stack
        assert 5000 - 128 <= more <= 5000 + 256, "the stack of vector kernels is aligned to up to 64 bytes"
        with raises(NotMeasurable, board="deep"):
            board.memory(1, x)
        assert len(board.infer(x)) == 2


def test_profile_of_layers_that_take_longer_than_their_answer_is_no_lie(desktop: Board) -> None:
    model = pack.load(fixtures_dir() / "kws-ds-cnn-s.reds")
    desktop.deploy(model)
    clock = next(clock for clock in desktop.facts().clocks if clock.hz)
    taken = desktop.profile(3, 100, clock, inputs(model, 10))  # the sums of the layers take no time again
    assert len(taken.layers) == len(model.layers)


def test_profile_of_the_desktop_has_every_layer_and_its_inputs_are_used(desktop: Board, small: Model) -> None:
    desktop.deploy(small)
    found = profile(desktop, small, 1, inputs(small, 7))
    assert list(found.costs) == ["us"]
    assert len(found.costs["us"].layers) == len(found.layers) == 3
    (clock,) = desktop.facts().clocks
    taken = desktop.profile(1, 300, clock, inputs(small, 7))  # more than one frame
    assert [len(samples.ticks) for samples in taken.layers] == [300] * 3
    assert np.median([sum(ticks) for ticks in zip(*(s.ticks for s in taken.layers), strict=True)]) > 0


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["profile", *map(str, words)])


def test_command_prints_a_table_for_each_subnet_and_writes_json(small_pack: Path, tmp_path: Path) -> None:
    done = run(small_pack, "--board", "desktop", "--json", tmp_path / "a.json")
    assert done.exit_code == 0, done.output
    assert "small 50% on desktop (hardware)" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    found = json.loads((tmp_path / "a.json").read_text())
    assert [(each["subnet"], len(each["layers"])) for each in found] == [("50%", 3), ("100%", 3)]
    for each in found:
        memory = each["memory"]
        assert memory["ram"] == memory["arena"] + memory["stack"] + memory["state"]
        assert sum(layer["us"] for layer in each["layers"]) == pytest.approx(each["together"]["us"])


def test_command_says_why_memory_is_not_known(
    small_pack: Path, boards_toml: BoardsToml, deep_agent: Path
) -> None:
    boards = boards_toml("desktop", agent=str(deep_agent))
    done = run(small_pack, "--board", "board", "--boards", boards, "--subnet", "100%")
    assert done.exit_code == 0, done.output
    assert (
        "stack and RAM are not known: the agent refused MEMORY: an inference uses more stack" in done.stdout
    )
    done = run(small_pack, "--board", "board", "--boards", boards, "--subnet", "10%")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "small has no subnet 10%" in done.stderr


def test_every_limit_of_a_subnet_is_held_and_named(hil: Run, small_pack: Path, tmp_path: Path) -> None:
    limits = 'stack_bytes = { "50%" = 1 }\nram_bytes = { "50%" = 2, "100%" = 1e6 }\n'
    (tmp_path / "boards.toml").write_text(f'[[board]]\nname = "d"\ntarget = "desktop"\n{limits}')
    done = hil("--boards", "boards.toml", "--pack", small_pack, "-k", "test_memory", "--junitxml=a.xml")
    assert outcomes(done.stdout) == {"failed": 1, "passed": 1, "deselected": suite_size(small_pack) - 2}
    over = r"50%: an inference takes [\d,]+ bytes of {}, over the limit in the boards file, {}"
    told = f"{over.format('ram', 2)}; {over.format('stack', 1)}$"
    assert re.search(told, done.stdout, re.MULTILINE), done.stdout
    held = re.findall(r'name="limit of (\S+ \w+) ', (tmp_path / "a.xml").read_text())
    assert held == ["50% ram", "50% stack", "100% ram"]


def test_limits_of_memory_fail_with_one_sentence_and_a_limit_of_an_unknown_stack_is_an_error(
    hil: Run, small_pack: Path, tmp_path: Path, deep_agent: Path
) -> None:
    board = f'[[board]]\nname = "d"\ntarget = "desktop"\nagent = "{deep_agent}"\n'
    limits = 'stack_bytes = { "50%" = 4096 }\nram_bytes = { "50%" = 1e6, "100%" = 1 }\n'
    args = ("--boards", "boards.toml", "--pack", small_pack, "-k", "test_memory", "-rs")
    rest = {"deselected": suite_size(small_pack) - 2}
    (tmp_path / "boards.toml").write_text(board)
    assert outcomes(hil(*args).stdout) == {"passed": 1, "skipped": 1, **rest}
    (tmp_path / "boards.toml").write_text(board + limits)
    done = hil(*args)
    assert outcomes(done.stdout) == {"failed": 1, "error": 1, **rest}
    told = r"50%: an inference takes 5,\d\d\d bytes of stack, over the limit in the boards file, 4,096$"
    assert re.search(told, done.stdout, re.MULTILINE)
    assert "d: the agent refused MEMORY: an inference uses more stack than" in done.stdout
