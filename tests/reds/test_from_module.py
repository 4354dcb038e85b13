"""A module of the user's own becomes elastic: the same function, from its forward to a pack."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from reds.elastic.from_module import from_module
from reds.elastic.net import nest
from reds.errors import NotElasticError
from reds.pack.model import Kind
from tests.reds.support.modules import Block, Calls, Residual, conv, head, same_function, stirred
from tests.reds.support.subnets import specs


def test_a_residual_module_computes_the_same_as_its_elastic_net() -> None:
    graph = same_function(Residual(), 3, 16, 12).graph
    # Units that residuals hold together are one group: 16 of the stem, 24 of two blocks and the depthwise.
    assert graph.full == (3, 16, 16, 24, 24, 24, 32, 20, 4)
    assert [group.cut for group in graph.groups] == [False, *[True] * 7, False]
    strided = next(layer for layer in graph.layers if layer.name == "blocks.1.conv1 (Conv2d)")
    assert (strided.stride, strided.padding) == ((2, 2), (1, 1, 1, 1))
    assert [layer.name for layer in graph.layers if layer.kind is Kind.ADD] == [
        "add in blocks.0",
        "add_1 in blocks.1",
        "add_2 in blocks.2",
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
def test_any_module_of_supported_layers_computes_the_same(seed: int) -> None:
    module, shape = random_module(seed)
    same_function(module, *shape)


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
def test_functions_and_methods_become_the_layers_that_modules_do(forward: Callable[..., Any]) -> None:
    module = Calls(lambda m, x: m.b(forward(m, x)), a=conv(), b=nn.LazyLinear(5))
    with pytest.raises(NotElasticError, match=r"^Calls.*b\.weight"):
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
    net = nest(full, specs(full.graph.full, full.graph.full)).eval()
    assert [net.subnet_affines(i)[0].eps for i in (0, 1)] == [1e-2, 1e-2]
    x = torch.randn(2, 16, 16, 3)
    assert torch.equal(net(x, 0), full(x, 0))


@pytest.mark.parametrize(
    ("forward", "layers", "match"),
    [
        (lambda m, x: head(m.act(m.a(x))), {"act": nn.Softsign()}, r"^act \(Softsign\) computes a function"),
        (lambda m, x: head(torch.exp(m.a(x))), {}, "^exp computes a function"),
        (lambda m, x: head(m.a(x).softmax(1).relu()), {}, "^softmax is a softmax inside"),
        (lambda m, x: head(m.a(x).cumsum(1)), {}, "^cumsum is no layer"),
        (lambda m, x: head(m.a(x).fill_(0)), {}, "^fill_ is no layer"),
        (lambda m, x: head(m.a(x).mean(1)), {}, "^mean reduces units"),
        (lambda m, x: head(m.a(x) / m.b(x)), {"b": conv()}, "^truediv divides|^truediv computes"),
        (lambda m, x: head(m.a(x) * torch.rand(6, 6)), {}, "^mul multiplies positions"),
        (lambda m, x: head(torch.cat([m.a(x), m.a(x)], 2)), {}, "^cat concatenates other axes"),
        (lambda m, x: head(F.max_pool2d(m.a(x).flatten(2), 1)), {}, "^max_pool2d pools"),
        (lambda m, x: m.a(x).flatten(2) @ m.b(x).flatten(2).mT, {"b": conv()}, "^matmul multiplies two"),
        (lambda m, x: (m.a(x).flatten(2) * 2) @ torch.rand(3, 36, 2), {}, "^matmul multiplies a constant"),
        (
            lambda m, x: head(m.b(m.a(x))),
            {"b": nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular")},
            r"^b \(Conv2d\) .*zeros",
        ),
        (lambda m, x: head(m.b(x)), {"b": nn.Conv2d(3, 4, 1, padding=1)}, r"^b \(Conv2d\) .*padding"),
        (
            lambda m, x: head(m.b(x)),
            {"b": nn.ConvTranspose2d(3, 6, 3, groups=3)},
            r"^b \(ConvTranspose2d\) .*groups=1",
        ),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.MaxPool2d(2, dilation=2)}, r"^b \(MaxPool2d\) .*dilat"),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.AvgPool2d(4, 4, ceil_mode=True)}, r"^b \(AvgPool2d\)"),
        (
            lambda m, x: head(m.b(m.a(x))),
            {"b": nn.AvgPool2d(3, 1, 1, count_include_pad=False)},
            r"^b \(AvgPool2d\) does not count",
        ),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.AdaptiveAvgPool2d(4)}, r"^b \(AdaptiveAvgPool2d\)"),
        (
            lambda m, x: head(m.b(m.a(x))),
            {"b": nn.BatchNorm2d(4, track_running_stats=False)},
            r"^b \(BatchNorm2d\).*statistics",
        ),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.GroupNorm(2, 4)}, r"^b \(GroupNorm\) normalizes positions"),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.InstanceNorm2d(4)}, r"^b \(InstanceNorm2d\)"),
        (
            lambda m, x: head(m.b(m.a(x))),
            {"b": nn.LayerNorm((6, 6))},
            r"^b \(LayerNorm\) normalizes \[6, 6\]",
        ),
        (
            lambda m, x: m.b(m.a(x).flatten(2))[0],
            {"b": nn.GRU(36, 4, batch_first=True)},
            r"^b \(GRU\) is a recurrent",
        ),
        (
            lambda m, x: head(m.b(m.a(x))),
            {"b": nn.Upsample(scale_factor=2, mode="bilinear")},
            r"^b \(Upsample\) interpolates \(bilinear\)",
        ),
        (
            lambda m, x: head(m.b(m.a(x))),
            {"b": nn.ChannelShuffle(2)},
            r"^b \(ChannelShuffle\) shuffles units",
        ),
        (lambda m, x: head(m.b(m.a(x))), {"b": nn.PixelShuffle(2)}, r"^b \(PixelShuffle\) moves units"),
        (
            lambda m, x: head(m.b(m.a(x).view(-1, 2, 2, 6, 6).transpose(1, 2).reshape(-1, 4, 6, 6))),
            {"b": conv(4, 4)},
            r"^b \(Conv2d\) shuffles units",
        ),
        (
            lambda m, x: head(F.max_pool2d(m.a(x), 2).chunk(2, 1)[0]),
            {},
            "^getitem splits the units|^chunk splits",
        ),
        (
            lambda m, x: m.b(
                m.a(x).flatten(2), m.a(x).flatten(2), m.a(x).flatten(2), attn_mask=torch.zeros(4, 4)
            )[0],
            {"b": nn.MultiheadAttention(36, 2, batch_first=True)},
            r"^b \(MultiheadAttention\) masks",
        ),
        (lambda m, x: head(F.dropout(m.a(x))), {}, "^dropout.*training=self.training"),
        (lambda m, x: head(m.a(x) + m.b(x)), {"b": conv(units=1)}, "^add combines"),
        (lambda m, x: m.a(x).sum(), {}, "reduces all"),
        (lambda m, x: (head(m.a(x)), 3), {}, "^output returns int 1"),
        (lambda m, x: m.a(x).transpose(0, 1), {}, "^output returns .*batch"),
        (lambda m, x: x.flatten(1) if x.sum() > 0 else head(m.a(x)), {}, "^Calls.*trace"),
        (lambda m, x: head(m.a(x[:, :2])), {}, r"^Calls.*\[3, 3, 6, 6\]"),
        (lambda m, x: head(m.a(x) + torch.rand(())), {}, "^Calls: the traced net computes something else"),
    ],
)
def test_what_a_graph_cannot_hold_is_refused_by_name(
    forward: Callable[..., Any], layers: dict[str, nn.Module], match: str
) -> None:
    with pytest.raises(NotElasticError, match=match):
        from_module(Calls(forward, **({"a": conv()} | layers)), (3, 6, 6))


def test_a_function_inside_a_module_is_named_with_it() -> None:
    inner = Calls(lambda m, x: torch.exp(m.a(x)).flatten(1), a=conv())
    with pytest.raises(NotElasticError, match=r"^exp in body\.0"):
        from_module(Calls(lambda m, x: m.body(x), body=nn.Sequential(inner)), (3, 6, 6))


def test_what_tracing_does_not_see_is_refused() -> None:
    def aliased(m: Any, x: Tensor) -> Tensor:
        y = z = m.a(x)
        y += m.a(x)
        return z.flatten(1)

    with pytest.raises(NotElasticError, match="in place"):
        from_module(Calls(aliased, a=conv()), (3, 6, 6))


@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (3, -6, 6), (3, 6, 0), (0,), ()])
def test_an_input_shape_of_other_than_one_to_three_sides_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NotElasticError, match=r"^Flatten.*\[units, height, width\]"):
        from_module(nn.Flatten(), shape)


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_an_old_weight_norm_is_refused_by_name() -> None:
    module = nn.Sequential(torch.nn.utils.weight_norm(conv()), nn.Flatten())
    with pytest.raises(NotElasticError, match=r"^Sequential.*0\.weight.*remove_weight_norm"):
        from_module(module, (3, 6, 6))
    torch.nn.utils.remove_weight_norm(module[0])
    same_function(module, 3, 6, 6)


def test_padding_before_a_convolution_is_part_of_it() -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        x = net.conv(nn.functional.pad(x, (0, 1, 1, 0))).relu()
        return head(net.depthwise(net.pad(nn.functional.pad(x, (1, 0, 0, 0)))).mean((2, 3)))

    layers = {"conv": nn.Conv2d(3, 4, 3, 2, 1), "depthwise": nn.Conv2d(4, 4, 3, 2, groups=4)}
    net = same_function(Calls(forward, pad=nn.ZeroPad2d((0, 0, 1, 1)), **layers), 3, 8, 7)
    assert [layer.padding for layer in net.graph.layers[:2]] == [(2, 1, 1, 2), (1, 1, 1, 0)]


@pytest.mark.parametrize("pad", [nn.ZeroPad2d(-1), nn.ConstantPad2d(1, 3.0), nn.ReflectionPad2d(1)])
def test_padding_with_other_values_or_a_cut_is_refused(pad: nn.Module) -> None:
    with pytest.raises(NotElasticError, match=r"^pad "):
        from_module(Calls(lambda net, x: head(net.conv(net.pad(x))), pad=pad, conv=conv()), (3, 8, 7))


def test_padding_before_another_layer_is_refused() -> None:
    with pytest.raises(NotElasticError, match=r"relu reads pad \(ZeroPad2d\), which pads"):
        from_module(
            Calls(lambda net, x: head(net.pad(net.conv(x)).relu()), pad=nn.ZeroPad2d(1), conv=conv()),
            (3, 8, 7),
        )
