"""A module of the user's own becomes elastic: the same function, from its forward to a pack."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from reds import pack
from reds.elastic.from_module import from_module
from reds.elastic.layers import units_last
from reds.elastic.net import ElasticNet, nest
from reds.errors import NotElasticError
from reds.pack import interpreter
from reds.pack.model import Kind
from reds.quantization.calibrate import input_scale
from reds.training.trainer import accuracy

PACKS = Path(__file__).parents[2] / "docs" / "packs.md"


class Block(nn.Module):
    """Two convolutions beside a shortcut, as torchvision writes them: stride 2 pads all four sides."""

    def __init__(self, reads: int, units: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(reads, units, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(units)
        self.conv2 = nn.Conv2d(units, units, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(units)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential()
        if stride > 1 or reads != units:
            self.shortcut = nn.Sequential(nn.Conv2d(reads, units, 1, stride), nn.BatchNorm2d(units))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu(y)


class Residual(nn.Module):
    """A residual net that has a depthwise layer, a pool of each kind, dropout, and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16, eps=1e-2), nn.ReLU())
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 24, 2), Block(24, 24, 1))
        self.depthwise = nn.Conv2d(24, 24, (3, 5), padding="same", groups=24)
        self.pointwise = nn.Conv2d(24, 32, 1)
        self.dropout = nn.Dropout(0.2)
        self.hidden, self.norm = nn.Linear(32, 20), nn.BatchNorm1d(20)
        self.classes = nn.Linear(20, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.max_pool2d(self.stem(x), 2))
        x = F.relu(self.depthwise(x)) + x
        x = self.pointwise(x).relu().mean((2, 3))
        x = F.relu(self.norm(self.hidden(self.dropout(x.view(x.size(0), -1)))))
        return self.classes(F.dropout(x, 0.1, self.training))


@torch.no_grad()
def stirred(module: nn.Module, seed: int = 0) -> nn.Module:
    """Norms with statistics and affines of their own; in training mode, as a user may have it."""
    torch.manual_seed(seed)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            for value in (norm.running_mean, norm.weight, norm.bias):
                if value is not None:
                    value.copy_(torch.randn(len(value)))
            assert norm.running_var is not None
            norm.running_var.copy_(torch.rand(norm.num_features) + 0.1)
    return module.train()


@torch.no_grad()
def same_function(module: nn.Module, *shape: int) -> ElasticNet:
    """The module as an elastic net, which computes what it does."""
    torch.manual_seed(0)
    net = from_module(stirred(module), shape)
    x = torch.randn(5, *shape)
    expected, ours = module.eval()(x), net(units_last(x), 0)
    assert ours.shape == expected.shape
    assert float((ours - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    return net


def test_a_residual_net_of_the_users_own_computes_the_same() -> None:
    graph = same_function(Residual(), 3, 16, 12).graph
    # Units that residuals hold together are one group: 16 of the stem, 24 of two blocks and the depthwise.
    assert graph.full == (3, 16, 16, 24, 24, 24, 32, 20, 4)
    assert [group.cut for group in graph.groups] == [False, *[True] * 7, False]
    strided = next(layer for layer in graph.layers if layer.name == "blocks_1_conv1")
    assert (strided.stride, strided.padding) == ((2, 2), (1, 1, 1, 1))
    assert [layer.name for layer in graph.layers if layer.kind is Kind.ADD] == [
        "add",
        "add_1",
        "add_2",
        "add_3",
    ]


def random_module(seed: int) -> tuple[nn.Module, tuple[int, int, int]]:
    """A small module in which every kind of layer may stand wherever its shape allows."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)

    def pick(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    units, sides = pick(1, 4), (pick(5, 9), pick(5, 9))
    shape, layers = (units, *sides), list[nn.Module]()
    for _ in range(pick(1, 5)):
        kernel = pick(1, min(3, *sides)), pick(1, min(3, *sides))
        stride, padding = (pick(1, 2), pick(1, 2)), (pick(0, kernel[0] - 1), pick(0, kernel[1] - 1))
        match pick(0, 3):
            case 0:
                more = pick(4, 9)
                layers.append(nn.Conv2d(units, more, kernel, stride, padding, bias=bool(pick(0, 1))))
                units = more
            case 1:
                layers.append(nn.Conv2d(units, units, kernel, stride, padding, groups=units))
            case 2:
                layers.append(Block(units, 6, stride[0]))
                units = 6
            case 3:
                layers.append((nn.MaxPool2d, nn.AvgPool2d)[pick(0, 1)](kernel, stride))
        if isinstance(layers[-1], nn.Conv2d):
            if pick(0, 1):
                layers.append(nn.BatchNorm2d(units, eps=10.0 ** -pick(2, 8), affine=bool(pick(0, 1))))
            layers.extend([nn.Identity(), nn.MaxPool2d(1), nn.ReLU(bool(pick(0, 1)))][pick(0, 2) :])
        sides = tuple(nn.Sequential(*layers).eval()(torch.zeros(1, *shape)).shape[2:])
    if pick(0, 1):
        layers.append(nn.AdaptiveAvgPool2d(1))
        sides = (1, 1)
    layers += [nn.Flatten(), nn.Dropout(), nn.Linear(units * sides[0] * sides[1], 8, bias=bool(pick(0, 1)))]
    layers += [nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)][3 * pick(0, 1) :]
    return nn.Sequential(*layers), shape


@given(st.integers(0, 2**16))
@settings(max_examples=60)
def test_any_module_of_the_kinds_there_are_computes_the_same(seed: int) -> None:
    module, shape = random_module(seed)
    same_function(module, *shape)


class Calls(nn.Module):
    """A forward of one function, and the layers that it calls."""

    def __init__(self, forward: Callable[..., Any], **layers: nn.Module) -> None:
        super().__init__()
        self.by = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Tensor) -> Any:
        return self.by(self, x)


def conv(reads: int = 3, units: int = 4, **more: Any) -> nn.Conv2d:
    return nn.Conv2d(reads, units, 3, padding=1, **more)


@pytest.mark.parametrize(
    "forward",
    [
        lambda m, x: torch.flatten(F.max_pool2d(m.a(x), 2).relu_(), 1),
        lambda m, x: F.avg_pool2d(m.a(x), m.a(x).size(3)).squeeze(-1).squeeze(-1),
        lambda m, x: F.adaptive_max_pool2d(m.a(x), (2, 3)).relu().reshape(-1, 24),
        lambda m, x: torch.relu(torch.add(m.a(x), other=m.a(x))).mean(dim=[-1, -2], keepdim=True).flatten(1),
        lambda m, x: F.adaptive_avg_pool2d(F.relu(F.relu(m.a(x))).contiguous(), 1).view(x.shape[0], -1),
        lambda m, x: (m.a(x) + m.a(x)).view(-1, 4 * 6 * 6),
    ],
)
def test_functions_and_methods_are_what_modules_are(forward: Callable[..., Any]) -> None:
    module = Calls(lambda m, x: m.b(forward(m, x)), a=conv(), b=nn.LazyLinear(5))
    with pytest.raises(NotElasticError, match=r"^Calls: b\.weight has no values yet"):
        from_module(module, (3, 6, 6))
    module(torch.zeros(1, 3, 6, 6))
    same_function(module, 3, 6, 6)


def test_dense_nets_read_features_and_pictures() -> None:
    net = same_function(nn.Sequential(nn.Linear(30, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3)), 30)
    assert [layer.kind for layer in net.graph.layers] == [Kind.DENSE] * 2
    same_function(nn.Sequential(nn.Flatten(), nn.Linear(2 * 5 * 4, 16), nn.ReLU(), nn.Linear(16, 3)), 2, 5, 4)


def test_the_module_stays_as_it_is() -> None:
    module = stirred(Residual())
    before = {name: value.clone() for name, value in module.state_dict().items()}
    from_module(module, (3, 16, 16))
    assert module.training
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_a_norms_epsilon_stays_with_every_subnet() -> None:
    full = from_module(stirred(Residual()), (3, 16, 16))
    net = nest(full, [full.graph.full, full.graph.full]).eval()
    assert [net.subnet_affines(i)[0].eps for i in (0, 1)] == [1e-2, 1e-2]
    x = torch.randn(2, 16, 16, 3)
    assert torch.equal(net(x, 0), full(x, 0))


def head(x: Tensor) -> Tensor:
    return x.flatten(1)


@pytest.mark.parametrize(
    ("forward", "layers", "match"),
    [
        (
            lambda m, x: head(m.act(m.a(x))),
            {"act": nn.Sigmoid()},
            r"^act \(Sigmoid\) is no layer .*made of conv",
        ),
        (lambda m, x: F.log_softmax(head(m.a(x)), 1), {}, "^log_softmax is no layer"),
        (
            lambda m, x: head(m.up(x)),
            {"up": nn.ConvTranspose2d(3, 4, 2)},
            r"^up \(ConvTranspose2d\) is no layer",
        ),
        (lambda m, x: head(torch.cat([m.a(x), x], 1)), {}, "^cat is no layer"),
        (lambda m, x: head(m.a(x) * 2), {}, "^mul is no layer"),
        (lambda m, x: head(m.a(x) + 1), {}, "^add is no layer"),
        (lambda m, x: head(m.a(x).mean(1)), {}, "^mean is no layer"),
        (lambda m, x: head(m.a(x) + m.a.bias.view(4, 1, 1)), {}, "^a_bias is a tensor that no layer holds"),
        (lambda m, x: head(F.conv2d(x, m.a.weight)), {}, r"^a_weight is .* holds: use nn\.Conv2d"),
        (
            lambda m, x: head(m.b(x)),
            {"b": conv(dilation=1, padding_mode="circular")},
            r"^b \(Conv2d\) .*zeros",
        ),
        (lambda m, x: head(m.b(x)), {"b": nn.Conv2d(3, 4, 3, dilation=2)}, r"^b \(Conv2d\) is dilated"),
        (lambda m, x: head(m.b(x)), {"b": nn.Conv2d(3, 6, 3, groups=3)}, r"^b \(Conv2d\) has 3 groups"),
        (
            lambda m, x: head(m.b(x)),
            {"b": nn.Conv2d(3, 4, 1, padding=1)},
            r"^b \(Conv2d\) does not fit.*padding",
        ),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.MaxPool2d(3, 2, 1)}, r"^b \(MaxPool2d\) pads"),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.MaxPool2d(2, dilation=2)}, r"^b \(MaxPool2d\) is dilated"),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.AvgPool2d(4, 4, ceil_mode=True)}, "reach over the edge"),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.AdaptiveAvgPool2d(4)}, "different sizes: .*divide"),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.Linear(6, 6)}, r"^b \(Linear\) reads an input that is not"),
        (lambda m, x: head(m.b(m.a(x).relu())), {"b": nn.BatchNorm2d(4)}, r"^b \(BatchNorm2d\) cannot be fused"),
        (lambda m, x: head(m.a(x) + m.a(m.b(x).relu())), {"b": nn.AvgPool2d(1)}, "^relu cannot be fused into a layer"),
        (
            lambda m, x: head(m.b(m.a(x))),
            {"b": nn.BatchNorm2d(4, track_running_stats=False)},
            "no statistics",
        ),
        (
            lambda m, x: head(F.dropout(m.a(x))),
            {},
            "^dropout drops at inference too: pass training=self.training",
        ),
        (lambda m, x: head(m.a(x).flatten(2)), {}, "^flatten reshapes"),
        (lambda m, x: head(m.a(x) + m.b(x)), {"b": conv(units=1)}, r"^add adds \[\[3, 4"),
        (lambda m, x: m.b(head(m.a(x))) + head(m.a(x)), {"b": nn.Linear(144, 144)}, "^add does not fit its input"),
        (lambda m, x: m.a(x), {}, r"^output is not the \[N, classes\] of one layer"),
        (lambda m, x: (head(m.a(x)), head(m.a(x))), {}, "^output is not"),
        (
            lambda m, x: x.flatten(1) if x.sum() > 0 else head(m.a(x)),
            {},
            "^Calls: it cannot be traced .*control",
        ),
        (lambda m, x: head(m.a(x[:, :2])), {}, r"^Calls: it does not run on \[3, 3, 6, 6\]"),
        (lambda m, x: head(m.a(x) + torch.rand(())), {}, "."),
    ],
)
def test_what_has_no_place_in_a_chain_is_refused_by_name(
    forward: Callable[..., Any], layers: dict[str, nn.Module], match: str
) -> None:
    with pytest.raises(NotElasticError, match=match):
        from_module(Calls(forward, **({"a": conv()} | layers)), (3, 6, 6))


def test_a_function_inside_a_module_is_named_with_it() -> None:
    inner = Calls(lambda m, x: torch.tanh(m.a(x)).flatten(1), a=conv())
    with pytest.raises(NotElasticError, match=r"^tanh in body\.0 is no layer"):
        from_module(Calls(lambda m, x: m.body(x), body=nn.Sequential(inner)), (3, 6, 6))


def test_what_tracing_does_not_see_is_refused() -> None:
    def aliased(m: Any, x: Tensor) -> Tensor:
        y = z = m.a(x)
        y += m.a(x)
        return z.flatten(1)

    with pytest.raises(NotElasticError, match=r"computes something else .*in place"):
        from_module(Calls(aliased, a=conv()), (3, 6, 6))


@pytest.mark.parametrize("shape", [(3, 4), (3, -6, 6), (3, 6, 0), (0,), ()])
def test_inputs_have_three_sides_or_one(shape: tuple[int, ...]) -> None:
    with pytest.raises(NotElasticError, match=r"^Flatten: .*give \[units, height, width\] or \[features\]"):
        from_module(nn.Flatten(), shape)


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_an_old_weight_norm_is_refused_by_name() -> None:
    module = nn.Sequential(torch.nn.utils.weight_norm(conv()), nn.Flatten())
    with pytest.raises(NotElasticError, match=r"^Sequential: 0\.weight is computed .*remove_weight_norm"):
        from_module(module, (3, 6, 6))
    torch.nn.utils.remove_weight_norm(module[0])
    same_function(module, 3, 6, 6)


def blobs(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images of four classes that differ in where they are bright."""
    torch.manual_seed(seed)
    y = torch.arange(n) % 4
    x = 0.5 * torch.randn(n, 3, 12, 12)
    for k in range(4):
        x[y == k, :, 6 * (k // 2) : 6 * (k // 2) + 6, 6 * (k % 2) : 6 * (k % 2) + 6] += 1
    return x, y


def test_from_a_module_to_a_pack_in_ten_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of the documentation."""
    blocks = re.findall(r"```python\n(.*?)```", PACKS.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if "elastic(module" in block]
    lines = [line for line in block.splitlines() if line and not line.startswith("from ")]
    assert len(lines) == 10
    torch.manual_seed(0)
    module = nn.Sequential(
        conv(3, 8), nn.ReLU(), Block(8, 16, 2), Block(16, 16, 1), nn.Flatten(), nn.Linear(16 * 36, 4)
    )
    (x, y), (validation_x, validation_y) = blobs(192, 0), blobs(64, 1)
    made: dict[str, Any] = {"module": module, "x": x, "y": y}
    made |= {"validation_x": validation_x, "validation_y": validation_y}
    monkeypatch.chdir(tmp_path)
    exec(block, made)

    model, net, stored = pack.load(tmp_path / "mine.reds"), made["net"], made["stored"]
    held, labels = made["examples"].validation
    q = stored.stored(held).reshape(len(held), -1)
    assert [subnet.name for subnet in model.subnets] == ["25%", "50%", "100%"]
    for i, subnet in enumerate(model.subnets):
        out = interpreter.run(model, i, q)
        logits = net(held, i).detach().numpy()
        apart = (out.astype(float) - subnet.steps[-1].zero) * subnet.output_scale - logits
        assert np.sqrt((apart**2).mean()) < 0.1 * logits.std()
        assert np.mean(out.argmax(1) == labels.numpy()) > max(0.6, accuracy(net, i, held, labels) - 0.05)


def test_own_examples_are_drawn_once_an_epoch() -> None:
    x, y = blobs(10, 0)
    own = Own(5, x, y, x, y)
    drawn = torch.cat([*own.batches(3, torch.Generator().manual_seed(0))])
    assert len(set(drawn.tolist())) == 9
    seen, target = own.augmented(drawn, torch.Generator())
    assert torch.equal(seen.movedim(-1, 1), x[drawn])
    assert target.shape == (9, 5)
    assert torch.equal(target.argmax(1), y[drawn])
    assert [len(labels) for _, labels in own.labeled(4)] == [4, 4, 2]


def test_inputs_are_stored_with_an_exact_zero() -> None:
    x = torch.tensor([0.0, -1.0, 3.0, 0.5])
    stored = input_scale(x)
    q = stored.stored(x)
    assert (q.dtype, q[0], q.min()) == (np.int8, stored.zero, -127)
    assert np.abs((q.astype(float) - stored.zero) * stored.scale - x.numpy()).max() <= stored.scale
