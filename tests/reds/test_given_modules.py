"""A module comes wrapped, diverged or too large: it is unwrapped, or refused before anything is trained."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import distribute_tensor
from torch.optim.swa_utils import AveragedModel

from reds.elastic.from_module import from_module
from reds.elastic.layers import units_last
from reds.errors import NotElasticError
from tests.reds.support.modules import Residual


@pytest.fixture
def one_process_group(tmp_path: object) -> Iterator[None]:
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def same_as(module: nn.Module, wrapped: nn.Module) -> None:
    """The net of the wrapped module computes what the module does, and the wrapper stays as it was."""
    kind, x = type(wrapped), torch.randn(2, 3, 16, 12)
    net = from_module(wrapped, (3, 16, 12))
    with torch.no_grad():
        torch.testing.assert_close(net(units_last(x), 0), module.eval()(x), atol=1e-4, rtol=1e-4)
    assert type(wrapped) is kind


@pytest.mark.parametrize(
    "wrap",
    [
        torch.compile,
        nn.DataParallel,
        AveragedModel,
        lambda m: AveragedModel(nn.DataParallel(m)),
        lambda m: torch.compile(nn.DataParallel(m)),
    ],
)
def test_wrappers_of_torch_are_taken_off(wrap: Callable[[nn.Module], nn.Module]) -> None:
    module = Residual()
    same_as(module, wrap(module))


def test_wrappers_around_parts_are_taken_off() -> None:
    module, plain = Residual(), Residual()
    plain.load_state_dict(module.state_dict())
    module.stem = nn.DataParallel(module.stem)
    module.blocks[1] = torch.compile(module.blocks[1])
    same_as(plain, module)
    assert isinstance(module.stem, nn.DataParallel), "the user's module was changed"


def test_a_module_of_distributed_training_is_taken_out_of_its_wrapper(one_process_group: None) -> None:
    module = Residual()
    same_as(module, nn.parallel.DistributedDataParallel(module))


def sharded_whole() -> nn.Module:
    module = nn.Sequential(nn.Linear(8, 4))
    fully_shard(module, mesh=init_device_mesh("cpu", (1,)))
    return module


def sharded_part() -> nn.Module:
    return nn.Sequential(FullyShardedDataParallel(nn.Linear(8, 4), device_id=torch.device("cpu")))


def distributed_weight() -> nn.Module:
    module = nn.Sequential(nn.Linear(8, 4))
    spread = distribute_tensor(module[0].weight.data, init_device_mesh("cpu", (1,)))
    module[0].weight = nn.Parameter(spread)
    return module


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("make", "match"),
    [
        (sharded_whole, ": it is sharded"),
        (sharded_part, r": 0 \(Fully.* is sharded"),
        (distributed_weight, r": 0\.weight is a DTensor"),
    ],
)
def test_a_module_that_is_spread_over_processes_is_refused_with_advice(
    make: Callable[[], nn.Module], match: str, one_process_group: None
) -> None:
    with pytest.raises(NotElasticError, match=match):
        from_module(make(), (8,))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("compiled", [torch.jit.script, lambda m: torch.jit.trace(m, torch.zeros(1, 8))])
def test_a_script_module_is_refused_with_advice(compiled: Callable[[nn.Module], nn.Module]) -> None:
    part = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
    with pytest.raises(NotElasticError, match="ScriptModule"):
        from_module(compiled(part), (8,))
    with pytest.raises(NotElasticError, match="0 is a ScriptModule"):
        from_module(nn.Sequential(compiled(part), nn.Linear(4, 2)), (8,))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "where", ["stem.1.running_mean", "stem.1.running_var", "blocks.0.conv1.weight", "classes.bias"]
)
def test_a_value_that_is_not_finite_is_named(where: str, value: float) -> None:
    module = Residual()
    module.state_dict()[where].view(-1)[0] = value
    with pytest.raises(NotElasticError, match=rf"^Residual: {where} .*finite"):
        from_module(module, (3, 16, 12))


def test_a_weight_beyond_float32_is_named() -> None:
    module = nn.Sequential(nn.Linear(8, 2).double())
    module[0].weight.data[0, 0] = 1e300
    with pytest.raises(NotElasticError, match=r"^Sequential: 0\.weight has 1 of 16 values"):
        from_module(module, (8,))


def test_a_negative_variance_is_named() -> None:
    module = Residual()
    module.norm.running_var[3] = -1
    with pytest.raises(NotElasticError, match=r"^Residual: norm\.running_var"):
        from_module(module, (3, 16, 12))


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16, torch.float64])
def test_a_checkpoint_of_another_precision_is_converted(half: torch.dtype) -> None:
    module = Residual().to(half)
    same_as(deepcopy(module).float(), module)


LATE = {
    "a window of 300": (nn.AdaptiveAvgPool2d(1), (8, 4, 300), "1 to 255"),
    "a stride of 256": (nn.Conv2d(8, 8, 3, (1, 256)), (8, 4, 300), "1 to 255"),
    "a fan-in over 65,536": (nn.Conv2d(8192, 8, 3), (8192, 3, 3), "fan-in of 73,728"),
    "70,000 units": (nn.Conv2d(1, 70_000, 1), (1, 2, 2), "65,535"),
    "70,000 features": (nn.Identity(), (70_000,), "65,535"),
    "300 layers": (nn.Sequential(*[nn.Conv2d(2, 2, 1) for _ in range(300)]), (2, 2, 2), "1 to 255"),
}


@pytest.mark.parametrize("late", LATE)
def test_a_limit_of_the_pack_is_said_at_once(late: str) -> None:
    part, shape, match = LATE[late]
    features = part(torch.zeros(1, *shape)).numel()
    with pytest.raises(NotElasticError, match=match):
        from_module(nn.Sequential(part, nn.Flatten(), nn.Linear(features, 2)), shape)


def test_the_layer_that_exceeds_a_limit_is_named() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.widest, self.last = nn.Conv2d(1, 8, 3), nn.AvgPool2d((1, 298)), nn.Linear(16, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.widest(self.conv(x)).flatten(1))

    with pytest.raises(NotElasticError, match=r"^Net: layer widest \(AvgPool2d\) "):
        from_module(Net(), (1, 4, 300))


NOT_MODULES: dict[str, tuple[object, str]] = {
    "an ONNX file": ("net.onnx", "reds.from_onnx"),
    "a checkpoint": (Path("net.pth"), "load_state_dict"),
    "a file of Keras": ("net.keras", "Keras"),
    "a .tflite": ("net.tflite", "made from"),
    "another path": ("net", "not a path"),
    "a state dict": (Residual().state_dict(), "load_state_dict"),
    "a class": (Residual, r"as Residual\(\)"),
    "a number": (3, "pass a module"),
}


@pytest.mark.parametrize("name", NOT_MODULES)
def test_what_is_no_module_is_answered_with_the_way_to_one(name: str) -> None:
    given, way = NOT_MODULES[name]
    with pytest.raises(NotElasticError, match=rf"it is no torch\.nn\.Module: .*{way}"):
        from_module(given, (3, 16, 12))  # type: ignore[arg-type]
