"""Modern layers compute in float what torch's own modules do, on tensors with the units innermost."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from reds.elastic.activations import FUNCTIONS, activate
from reds.elastic.affine import UnitAffine
from reds.elastic.layers import units_first, units_last
from reds.elastic.net import ElasticNet
from reds.errors import GraphError
from reds.graph import Activation
from reds.graph.builder import Builder
from reds.pack.model import Kind
from tests.reds.support.modern import ACTIVATIONS

Adds = Callable[[Builder, int], int]


def computed(add: Adds, x: Tensor, seed: int = 0) -> tuple[Tensor, ElasticNet]:
    """The output for x [N, units, height, width] of the layers that `add` builds, and their net."""
    net = Builder(x.shape[1], x.shape[2], x.shape[3])
    add(net, net.input)
    torch.manual_seed(seed)
    made = ElasticNet(net.build()).eval()
    return units_first(made.trace(units_last(x), 0)[-1]), made


def given(*shape: int) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(4, *shape)


def test_grouped_and_dilated_convolutions() -> None:
    y, net = computed(
        lambda b, x: b.conv(
            x, 4, (3, 2), (2, 1), (2, 0, 1, 3), norm=False, relu=False, dilation=(2, 3), groups=2
        ),
        x := given(6, 7, 8),
    )
    padded = F.pad(x, (0, 3, 2, 1))
    torch.testing.assert_close(y, F.conv2d(padded, net.weights[0], None, (2, 1), 0, (2, 3), 2))


@pytest.mark.parametrize(("padding", "output"), [(0, 0), (1, 0), (1, 1), (2, 1)])
def test_transposed_convolution(padding: int, output: int) -> None:
    module = nn.ConvTranspose2d(3, 5, 3, 2, padding, output, bias=False)
    ends = (padding, padding, padding - output, padding - output)
    y, net = computed(
        lambda b, x: b.transposed(x, 5, (3, 3), (2, 2), ends, relu=False, norm=False), x := given(3, 4, 5)
    )
    module.weight.data = net.weights[0].data.transpose(0, 1)
    torch.testing.assert_close(y, module(x))


def test_padding_of_an_average_counts_and_that_of_a_maximum_never_wins() -> None:
    x = given(3, 5, 6) - 5
    y, _ = computed(lambda b, i: b.pool(i, (3, 3), (2, 2), padding=(1, 1, 1, 1)), x)
    torch.testing.assert_close(y, F.avg_pool2d(x, 3, 2, 1))
    y, _ = computed(lambda b, i: b.pool(i, (3, 3), (2, 2), Kind.MAX_POOL, (1, 1, 1, 1)), x)
    torch.testing.assert_close(y, F.max_pool2d(x, 3, 2, 1))
    y, _ = computed(lambda b, i: b.pool(i, (3, 3), (1, 1), Kind.MAX_POOL, (2, 0, 0, 2)), x)
    torch.testing.assert_close(y, F.max_pool2d(F.pad(x, (0, 2, 2, 0), value=-1e9), 3, 1))


def test_nearest_upsampling() -> None:
    y, _ = computed(lambda b, x: b.upsample(x, (2, 3)), x := given(3, 4, 2))
    torch.testing.assert_close(y, nn.Upsample(scale_factor=(2, 3), mode="nearest")(x))


@pytest.mark.parametrize("sides", [(1, 1), (4, 1), (1, 5), (4, 5)])
def test_second_input_of_a_product_and_a_sum_may_have_one_row_or_column(sides: tuple[int, int]) -> None:
    x = given(3, 4, 5)
    window = 4 // sides[0], 5 // sides[1]
    other = F.avg_pool2d(x, window)
    torch.testing.assert_close(computed(lambda b, i: b.multiply(i, b.pool(i, window)), x)[0], x * other)
    torch.testing.assert_close(computed(lambda b, i: b.add(b.pool(i, window), i), x)[0], x + other)


def test_concatenation_of_more_inputs_than_a_layer_reads() -> None:
    y, _ = computed(
        lambda b, i: b.concat([b.activate(i, Activation("elu", k)) for k in range(6)]), x := given(2, 3, 3)
    )
    torch.testing.assert_close(y, torch.cat([F.elu(x, k) for k in range(6)], 1))


def test_prelu_and_layer_norm() -> None:
    x = given(3, 4, 5)
    _, net = computed(Builder.prelu, x)
    net.weights[0].data = torch.tensor([0.5, -0.2, 2.0])
    torch.testing.assert_close(units_first(net.trace(units_last(x), 0)[-1]), F.prelu(x, net.weights[0]))
    _, net = computed(lambda b, i: b.layer_norm(i, 0.1), x)
    affine = net.subnet_affines(0)[0]
    assert isinstance(affine, UnitAffine)
    affine.gain.data, affine.offset.data = torch.tensor([1.0, -2, 3]), torch.tensor([0.0, 1, 2])
    due = F.layer_norm(units_last(x), (3,), affine.gain, affine.offset, 0.1)
    torch.testing.assert_close(net.trace(units_last(x), 0)[-1], due)


def test_attention_is_that_of_torch() -> None:
    module, x = nn.MultiheadAttention(8, 2, batch_first=True), given(8, 3, 4)
    tokens = units_last(x).flatten(1, 2)

    def projected(b: Builder, i: int) -> int:
        read = [b.conv(i, 8, (1, 1), norm=False, relu=False) for _ in range(3)]
        return b.conv(b.attention(read[0], read[1], read[2], 2), 8, (1, 1), norm=False, relu=False)

    _, net = computed(projected, x)
    weights = [*module.in_proj_weight.chunk(3), module.out_proj.weight]
    for k, weight in zip((0, 1, 2, 4), weights, strict=True):
        net.weights[k].data = weight.data[:, :, None, None]
    y = net.trace(units_last(x), 0)[-1].flatten(1, 2)
    torch.testing.assert_close(y, module(tokens, tokens, tokens)[0], rtol=1e-4, atol=1e-5)


def test_embedding_adds_constants_and_puts_positions_in_front() -> None:
    x = given(3, 2, 4)
    y, net = computed(Builder.embed, x)
    torch.testing.assert_close(y, x + net.weights[0].unflatten(1, (2, 4)))
    y, net = computed(lambda b, i: b.embed(i, 2), x)
    tokens = torch.cat([torch.zeros(4, 3, 2), x.flatten(2)], 2) + net.weights[0]
    torch.testing.assert_close(y, tokens[..., None])
    y, net = computed(lambda b, i: b.first(b.embed(i, 1)), x)
    torch.testing.assert_close(y, net.weights[0][None, :, :1, None].expand(4, 3, 1, 1))


def test_moves_of_values() -> None:
    x = given(6, 2, 4)
    last = units_last(x)
    y, _ = computed(Builder.transpose, x)
    torch.testing.assert_close(units_last(y), last.flatten(1, 2).transpose(1, 2)[:, :, None])
    y, _ = computed(lambda b, i: b.reshape(i, 4, 4, 3), x)
    torch.testing.assert_close(units_last(y), last.reshape(4, 4, 4, 3))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_activations_pass_values_and_gradients(activation: Activation) -> None:
    modules: dict[str, nn.Module] = {
        "hard_swish": nn.Hardswish(), "silu": nn.SiLU(), "gelu": nn.GELU(), "gelu_tanh": nn.GELU("tanh"),
        "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "hard_sigmoid": nn.Hardsigmoid(), "relu": nn.ReLU(),
        "hard_tanh": nn.Hardtanh(), "leaky_relu": nn.LeakyReLU(activation.slope), "selu": nn.SELU(),
        "elu": nn.ELU(activation.slope), "softplus": nn.Softplus(), "mish": nn.Mish(),
    }  # fmt: skip
    assert {each.name for each in ACTIVATIONS} == modules.keys() == FUNCTIONS.keys()
    x = given(2, 3, 3)
    y, net = computed(lambda b, i: b.scale(i, activation=activation), x)
    net.train()
    norm = net.subnet_affines(0)[0]
    z = norm(units_last(x).flatten(0, 2) * net.weights[0].flatten())
    y = net.trace(units_last(x), 0)[-1]
    torch.testing.assert_close(y, modules[activation.name](z).view(y.shape), rtol=1e-4, atol=1e-5)
    torch.autograd.backward(y.square().sum())
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.bias.grad is not None
    assert norm.bias.grad.any()


def test_an_activation_of_no_known_name_is_refused() -> None:
    with pytest.raises(GraphError, match="swish is not known: give one of relu, hard_swish"):
        activate(Activation("swish"), torch.zeros(1))
