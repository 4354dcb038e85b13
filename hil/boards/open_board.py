"""Open a board for a user's program or test: packs by file, subnets by name, any inputs."""

import hashlib
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hil.boards import boards_toml, opening
from hil.boards.board import Advance, Board, ignore
from hil.boards.checks import check_count
from hil.boards.facts import BoardFacts, Provenance
from hil.boards.holder import Holder, Once
from hil.boards.profiling import SAMPLES, profile
from hil.errors import BoardsFileError, InputsRefused, PackRefused, SetupError, UnknownSubnet
from hil.options import LEASE_WAIT_SECONDS
from hil.protocol.hello import Clock
from hil.results.memory import Memory
from hil.results.profile import Profile
from hil.results.samples import Samples
from reds.errors import PackError
from reds.pack import dumps, loads
from reds.pack.model import LIMIT, Model
from reds.pack.pack import Pack, load_pack
from reds.reading import user_path
from reds.spelling import did_you_mean

N = 100
"""Default number of samples of a measurement."""
_INPUTS = 256
"""Largest number of seeded random inputs of a measurement."""
Observe = Callable[[Pack, str, str, Samples], None]
"""Called with each measurement: pack, name of the subnet or pair, `latency` or `switch`, samples."""


class OpenBoard:
    """An open board. Subnets are given by name, as `25%`, or by index, smallest first."""

    def __init__(self, holder: Holder, observe: Observe | None = None) -> None:
        self._holder = holder
        self._observe = observe
        self._pack: Pack | None = None

    @property
    def name(self) -> str:
        """Return the name of the board in the boards file."""
        return self.facts().name

    def facts(self) -> BoardFacts:
        """Return the board's name, target, provenance and clocks."""
        return self._holder.facts()

    @property
    def pack(self) -> Pack:
        """Return the deployed pack. Raises `PackRefused` if there is none yet."""
        if self._pack is None:
            raise PackRefused("no pack is deployed; call `deploy` first", board=self.name)
        return self._pack

    def deploy(self, pack: Pack | Model | str | os.PathLike[str], *, advance: Advance = ignore) -> None:
        """Store a pack on the board unless the board has it already, and select the smallest subnet.

        Args:
            pack: A pack as `reds.load` returns it, the path of a `.reds` file, or a model.
            advance: Called with the bytes stored so far.

        Raises:
            PackRefused: The file is not a valid pack, or the pack does not fit the board.
            AgentError: The agent on the board refuses the pack.
        """
        loaded = self._loaded(pack)
        self._holder.deploy(loaded.model, advance)
        self._pack = loaded

    def select(self, subnet: str | int) -> None:
        """Switch to a subnet. Raises `UnknownSubnet` if the pack lacks it."""
        index = self._index(subnet)
        self._holder.do(lambda board: board.select(index))

    def infer(self, x: ArrayLike) -> NDArray[np.float32] | NDArray[np.int8]:
        """Run the selected subnet on the board, as `Pack.run` does on this computer.

        Args:
            x: Floating-point features in torch's order of axes, [N, units, rows, columns] or [N, features],
                which are stored in int8 first. Or stored features, int8 [N, input_size].

        Returns:
            Logits, float32 [N, classes]. For int8 features the stored logits, int8 [N, classes].

        Raises:
            InputsRefused: The features have another shape or data type than the pack takes.
        """
        given, pack = np.asarray(x), self.pack
        stored = self._stored(given)
        out, selected = self._holder.do(lambda board: (board.infer(stored), board.selected))
        return out if given.dtype == np.int8 else pack.real(out, selected)

    def measure(
        self, subnet: str | int, n: int = N, *, x: ArrayLike | None = None, clock: str | None = None
    ) -> Samples:
        """Time inferences on the board.

        Args:
            subnet: Name or index of the subnet.
            n: Samples, 1 to 65535.
            x: Inputs as `infer` takes them, used in turn; by default seeded random inputs.
            clock: Name of a clock of the board; by default one that measures time, if the board has one.

        Returns:
            One sample for each inference, in us or in events of the clock.

        Raises:
            UnknownSubnet: The pack has no such subnet.
            SetupError: The board has no such clock.
            LinkError: The board is lost.
        """
        index, timed_by, inputs = self._index(subnet), self._clock(clock), self._inputs(x, n)

        def measure(board: Board) -> Samples:
            board.settle()
            return board.measure(index, n, timed_by, inputs)

        return self._seen(self._names[index], "latency", self._holder.do(measure))

    def measure_switch(
        self,
        a: str | int,
        b: str | int,
        n: int = N,
        *,
        x: ArrayLike | None = None,
        clock: str | None = None,
    ) -> Samples:
        """Time switches from subnet `a` to subnet `b` on the board, with an inference after each.

        Args:
            a: Name or index of the subnet before the switch.
            b: Name or index of the subnet after the switch.
            n: Samples, 1 to 65535.
            x: Inputs as `infer` takes them, used in turn; by default seeded random inputs.
            clock: Name of a clock of the board; by default one that measures time, if the board has one.

        Returns:
            One sample for each switch, without the inference.

        Raises:
            UnknownSubnet: The pack has no such subnet.
            SetupError: The board has no such clock.
            LinkError: The board is lost.
        """
        pair, timed_by, inputs = (self._index(a), self._index(b)), self._clock(clock), self._inputs(x, n)

        def measure(board: Board) -> Samples:
            board.settle()
            return board.measure_switch(pair, n, timed_by, inputs).select

        return self._seen("->".join(self._names[s] for s in pair), "switch", self._holder.do(measure))

    def profile(self, subnet: str | int, *, x: ArrayLike | None = None) -> Profile:
        """Time each layer of a subnet on the board, and the whole inference in turns with them.

        Args:
            subnet: Name or index of the subnet.
            x: Inputs as `infer` takes them, used in turn; by default seeded random inputs.

        Raises:
            UnknownSubnet: The pack has no such subnet.
            NotMeasurable: The board has no clock.
            LinkError: The board is lost.
        """
        index, model, inputs = self._index(subnet), self.pack.model, self._inputs(x, SAMPLES)
        return self._holder.do(lambda board: profile(board, model, index, inputs))

    def memory(self, subnet: str | int, *, x: ArrayLike | None = None) -> Memory:
        """Measure the stack of an inference on the board, and return the bytes of RAM that a subnet takes.

        Args:
            subnet: Name or index of the subnet.
            x: Inputs as `infer` takes them; by default a seeded random one.

        Raises:
            UnknownSubnet: The pack has no such subnet.
            NotMeasurable: The board cannot tell how deep its stack is.
            LinkError: The board is lost.
        """
        index, inputs = self._index(subnet), self._inputs(x, 1)
        return self._holder.do(lambda board: board.memory(index, inputs))

    @property
    def _names(self) -> list[str]:
        return [subnet.name for subnet in self.pack.model.subnets]

    def _seen(self, subnet: str, what: str, samples: Samples) -> Samples:
        if self._observe:
            self._observe(self.pack, subnet, what, samples)
        return samples

    def _loaded(self, pack: Pack | Model | str | os.PathLike[str]) -> Pack:
        if isinstance(pack, Pack):
            return pack
        if isinstance(pack, Model):
            data = dumps(pack)  # read back, as a file stores scales in fewer bits
            return Pack(Path(pack.name), loads(data, pack.name), hashlib.sha256(data).hexdigest(), None)
        try:
            return load_pack(Path(pack))
        except TypeError as error:
            is_ = f"a {type(pack).__name__} is no pack"
            raise PackRefused(f"{is_}; give the path of a .reds file, or what reds.load returns") from error
        except PackError as error:
            raise PackRefused(str(error)) from error

    def _index(self, subnet: str | int) -> int:
        names = self._names
        if isinstance(subnet, str) and subnet in names:
            return names.index(subnet)
        if isinstance(subnet, int) and 0 <= subnet < len(names):
            return subnet
        raise UnknownSubnet(
            f"{self.pack.model.name} has no subnet {subnet}; {did_you_mean(str(subnet), names)}"
        )

    def _clock(self, name: str | None) -> Clock:
        clocks = self.facts().clocks
        if name is None:
            found = sorted(clocks, key=lambda clock: not clock.hz)
        else:
            found = [clock for clock in clocks if clock.name == name]
        if not found:
            there = ", ".join(clock.name for clock in clocks) or "none, so nothing can be timed on it"
            raise SetupError(f"no clock {name or ''}; its clocks are: {there}", board=self.name)
        return found[0]

    def _inputs(self, x: ArrayLike | None, n: int) -> NDArray[np.int8]:
        check_count(self.name, n)
        if x is not None:
            return self._stored(np.asarray(x))
        shape = min(n, _INPUTS), self.pack.model.input_size
        return np.random.default_rng(0).integers(-LIMIT, LIMIT + 1, shape, np.int8)

    def _stored(self, x: NDArray[Any]) -> NDArray[np.int8]:
        try:
            return self.pack.stored(x)
        except PackError as error:
            raise InputsRefused(str(error), board=self.name) from error


def boards_file(boards: str | os.PathLike[str] | None, lease_wait: float) -> Path | None:
    """Return the path of a boards file, None if none is named, with `lease_wait` checked too.

    Raises:
        BoardsFileError: The path is none.
        SetupError: `lease_wait` is no number of seconds.
    """
    if not 0 <= lease_wait < math.inf:  # a wait of nan seconds has no end
        raise SetupError(f"lease_wait is {lease_wait}: seconds are needed, 0 or more")
    try:
        return user_path(os.fspath(boards)) if boards is not None else None
    except ValueError as error:
        raise BoardsFileError(
            f"cannot read the boards: {error}", file=Path(os.fspath(boards or ""))
        ) from None


@contextmanager
def open_board(
    name: str,
    *,
    emulate: bool = False,
    boards: str | os.PathLike[str] | None = None,
    lease_wait: float = LEASE_WAIT_SECONDS,
) -> Iterator[OpenBoard]:
    """Open a board; close it and release its lease at the end of the `with` block.

    Args:
        name: Name of a board in the boards file, or a target, as `nano33ble`.
        emulate: Use the emulator of the board instead of the board.
        boards: The boards file; by default the shipped one.
        lease_wait: Seconds to wait for a board that another run uses.

    Raises:
        SetupError: `lease_wait` is no number of seconds.
        BoardsFileError: The boards file cannot be used, or has no such board.
        BoardAbsent: The board is not here.
        EmulatorError: The board has no emulator, or the emulator does not start.
        BoardBusy: Another run kept the board.
    """
    entry = boards_toml.named(boards_file(boards, lease_wait), name)
    provenance = Provenance.EMULATED if emulate else Provenance.HARDWARE
    with opening.started(entry, provenance, wait=lease_wait) as board:
        yield OpenBoard(Once(board))
