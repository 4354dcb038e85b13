"""Count instructions of whole nets by the portable kernels: `python -m tests.targets.portable_costs`.

The cores have no kernels of their own. Counts repeat exactly: they do not depend on the load of this machine.
Weights are random, and every output is compared with that of the interpreter.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from reds import pack
from reds.pack import interpreter
from reds.pack.model import Model
from reds.zoo import by_name
from reds.zoo.random_weights import with_random_weights
from tests.support.nets import inputs
from tests.targets.support import bare

NETS = ("dnn-s", "ds-cnn-s", "mobilenet-0.25", "resnet8")


def instructions(program: bare.Bare, model: Model, folder: Path) -> Iterator[int]:
    """Yield the instructions of an inference of each subnet, smallest first.

    Raises:
        ValueError: An output differs from that of the interpreter.
    """
    file, x = folder / "net.reds", inputs(model, 1)
    file.write_bytes(pack.dumps(model))
    ran = program.run(file, x.tobytes())
    expected = b"".join(interpreter.run(model, s, x).tobytes() for s in range(len(model.subnets)))
    if ran.output != expected:
        raise ValueError(f"{model.name}: outputs differ from the interpreter's on {program.program}")
    yield from (sum(layers) for layers in ran.inferences(model))


def measured(folder: Path, nets: Mapping[str, Model], core: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield net, subnet, instructions and MACs of the smallest and the largest subnets of nets."""
    program = bare.build(folder, bare.CORES[core])
    for name, model in nets.items():
        counts = list(instructions(program, model, folder))
        for s in (0, len(counts) - 1):
            yield name, model.subnets[s].name, counts[s], model.macs(s)


def main() -> None:
    """Print a table of all nets and cores."""
    nets = {name: with_random_weights(name, by_name(name)) for name in NETS}
    print("| core | net | subnet | instructions | per MAC |")
    print("| --- | --- | ---: | ---: | ---: |")
    with TemporaryDirectory() as folder:
        for core in bare.CORES:
            for name, subnet, count, macs in measured(Path(folder) / core, nets, core):
                print(f"| {core} | {name} | {subnet} | {count:,} | {count / macs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
