"""Estimate the duration of an emulated board's bench, and the number of inputs for half a minute."""

from collections.abc import Callable

from hil.boards.facts import Provenance
from hil.boards.speed import Speed
from hil.firmware import build
from hil.firmware.bare_metal import BareMetal
from hil.suite.board_selection import SelectedBoard
from hil.suite.measurements import usual_samples
from hil.suite.speeds import emulators, shared_seconds, speed_of
from hil.suite.switch_pairs import pairs_into
from hil.suite.workload import Workload

OUTPUT_SECONDS = 30.0
"""Seconds that the outputs of an emulated board may take by default; all of its bench then takes about twice
as long."""
REFERENCE_MACS = 1e9
"""MACs that the reference interpreter computes in a second."""
BUILD_SECONDS = 10.0
"""Seconds that the build of an agent takes."""
_MEMORY_INPUTS = 2
"""Inferences of each subnet whose stack is measured."""
_LEAST_INPUTS = 50
"""Inputs that are taken however long they take: with fewer, an accuracy says nothing."""


def usual_inputs(workload: Workload, boards: tuple[SelectedBoard, ...]) -> int:
    """Return the number of inputs taken by default: all, unless an emulated board needs long for them."""
    slowest = min((speed.macs for board in boards if (speed := speed_of(board))), default=None)
    if slowest is None:
        return len(workload.inputs)
    return max(_LEAST_INPUTS, int(OUTPUT_SECONDS * slowest / max(1, workload.macs)))


def estimate(
    workload: Workload,
    boards: tuple[SelectedBoard, ...],
    samples: int | None,
    is_built: Callable[[str | BareMetal, str], bool] = build.is_built,
) -> str:
    """Return the time that the emulated boards of a run take together, as text; empty if there are none.

    The reference interpreter, layers, stacks and builds of agents are included.

    Args:
        workload: The pack and its inputs.
        boards: The boards of the run.
        samples: Samples of each latency and switch; None for the usual number.
        is_built: Whether there is an agent of an environment for a target.
    """
    n = samples or usual_samples(Provenance.EMULATED)
    found = [(board.entry, speed) for board in boards if (speed := speed_of(board))]
    if not found:
        return ""
    agents = {(speed.agent, entry.target) for entry, speed in found if speed.agent and not entry.agent}
    builds = sum(not is_built(*agent) for agent in agents)
    seconds = sum(_seconds(workload, speed, n) for _, speed in found) + BUILD_SECONDS * builds
    seconds += workload.output_macs / REFERENCE_MACS
    who = "the emulated board" if len(found) == 1 else f"{len(found)} emulated boards"
    built = f", with the build of {builds} agent{'s' * (builds > 1)}" if builds else ""
    most = max(emulators(workload.output_macs, speed) for _, speed in found)
    shared = f"; up to {most} emulators share the outputs of a board" if most > 1 else ""
    return f"about {_rounded(seconds)} for {who}{built}{shared}"


def alike(boards: tuple[SelectedBoard, ...]) -> str:
    """Return a note on emulated boards that are one machine with two names, empty if there are none."""
    names = {board.entry.target: board.entry.name for board in boards if speed_of(board)}
    if not names.keys() >= {"pi", "android"}:
        return ""
    pi, android = names["pi"], names["android"]
    return f"{android} is the machine of {pi} behind adb, its counts are the same; --target leaves one out"


def _seconds(workload: Workload, speed: Speed, n: int) -> float:
    """Return the seconds of a bench with n samples of each latency and each switch."""
    subnets = workload.model.subnets
    switched = sum(
        subnets[s].macs
        for target in range(len(subnets))
        for pair in pairs_into(target, len(subnets))
        for s in pair
    )
    each = _MEMORY_INPUTS + speed.clocks * (n + 2)  # a profile is of one inference, whole and layer by layer
    macs = workload.macs * each + switched * speed.clocks * n
    return speed.start + shared_seconds(workload.output_macs, speed) + macs / speed.macs


def _rounded(seconds: float) -> str:
    """Return a duration without false precision."""
    if seconds < 60:
        return f"{max(5, round(seconds / 5) * 5)} s"
    return f"{round(seconds / 60)} min"
