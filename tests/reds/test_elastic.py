"""Subnets are views; importance, permutation and nesting leave the full net's function alone."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reds.elastic.active import active_weight
from reds.elastic.affine import UnitBias
from reds.elastic.net import ElasticNet, nest
from reds.errors import DivergedError
from reds.nesting.importance import score
from reds.nesting.permute import most_important_first, permute
from reds.pack.model import WEIGHTED, Kind
from reds.zoo import NETS, by_name
from tests.reds.support.floats import DENSE_WIDTHS as WIDTHS
from tests.reds.support.floats import dense_net, features, random_graph, random_net, thirds
from tests.reds.support.subnets import specs


@pytest.mark.lesser
def test_a_subnet_computes_what_a_small_net_of_its_weights_does() -> None:
    net = nest(dense_net(), specs(*WIDTHS)).eval()
    x = torch.randn(7, 250)
    for i, widths in enumerate(WIDTHS):
        y = (x - net.mean) / net.std
        for layer, weight, after in zip(net.graph.layers, net.weights, net.subnet_affines(i), strict=True):
            y = after(
                F.linear(y, weight[: widths[layer.writes[0].group], : widths[layer.reads[0].group]].clone())
            )
            y = F.relu(y) if layer.relu else y
        torch.testing.assert_close(net(x, i), y, rtol=0, atol=0)


@given(st.integers(0, 2**16))
@settings(max_examples=25)
def test_a_subnet_of_any_kinds_is_a_net_of_its_own_size(seed: int) -> None:
    graph = random_graph(seed)
    net = nest(random_net(graph, seed), thirds(graph)).eval()
    x = features(graph, 3, seed)
    for i, subnet in enumerate(net.subnets):
        widths = subnet.widths
        small = ElasticNet(graph.resized(widths)).eval()
        for layer, own, weight in zip(graph.layers, small.weights, net.weights, strict=True):
            own.data.copy_(active_weight(net.graph, layer, weight, widths))
        for own_tail, after in zip(small.subnet_affines(0), net.subnet_affines(i), strict=True):
            own_tail.load_state_dict(after.state_dict())
        torch.testing.assert_close(net(x, i), small(x, 0), rtol=1e-4, atol=1e-4)


def test_inputs_may_keep_their_rows_and_columns() -> None:
    graph = by_name("ds-cnn-s-32x32x3")
    net, x = random_net(graph), features(graph, 2)
    assert torch.equal(net(x.reshape(2, 32, 32, 3), 0), net(x, 0))


def test_subnets_share_storage_and_own_their_norms() -> None:
    net = nest(dense_net(), specs(*WIDTHS))
    view = active_weight(net.graph, net.graph.layers[1], net.weights[1], WIDTHS[0])
    assert view.shape == (20, 12)
    assert view.data_ptr() == net.weights[1].data_ptr()
    tails = [net.subnet_affines(i) for i in range(3)]
    assert [[len(t.bias) for t in of] for of in tails] == [[n for n in w[1:]] for w in WIDTHS]
    assert all(isinstance(of[0], nn.BatchNorm1d) and isinstance(of[-1], UnitBias) for of in tails)
    assert tails[0][0] is not tails[1][0]


def test_nesting_starts_from_the_full_net() -> None:
    full = dense_net()
    net = nest(full, specs(*WIDTHS)).eval()
    x = torch.randn(5, 250)
    torch.testing.assert_close(net(x, 2), full(x, 0), rtol=0, atol=0)
    small = net.subnet_affines(0)[0]
    assert torch.equal(small.running_mean, full.subnet_affines(0)[0].running_mean[:12])


def test_a_shared_norm_is_the_full_nets_and_moves_for_all() -> None:
    full = dense_net()
    net = nest(full, specs(*WIDTHS), norms="shared").eval()
    x = torch.randn(5, 250)
    torch.testing.assert_close(net(x, 2), full(x, 0), rtol=1e-5, atol=1e-5)
    norms = [net.subnet_affines(i)[0] for i in range(3)]
    assert norms[0].gain is norms[1].gain is norms[2].gain
    before = net(x, 0)
    net.train()
    torch.testing.assert_close(net(x, 0), before, msg="no statistic is measured")
    norms[2].offset.data += 1.0
    assert not torch.allclose(net(x, 0), before)


def permutation_holds(net: ElasticNet, seed: int, n: int) -> None:
    x = features(net.graph, n, seed)
    before = net(x, 0).detach()
    rng = np.random.default_rng(seed)
    permute(net, most_important_first(net.graph, [rng.random(g.units) for g in net.graph.groups]))
    assert float((net(x, 0).detach() - before).abs().max()) <= 1e-5 * float(before.abs().max())


@given(st.integers(0, 2**16), st.lists(st.integers(1, 40), min_size=3, max_size=3))
@settings(max_examples=30)
def test_permutation_preserves_the_function(seed: int, units: list[int]) -> None:
    permutation_holds(dense_net(seed, tuple(units)), seed, 16)


@given(st.integers(0, 2**16))
@settings(max_examples=40)
def test_permutation_preserves_nets_of_every_kind_of_layer(seed: int) -> None:
    permutation_holds(random_net(random_graph(seed), seed), seed, 4)


@pytest.mark.parametrize("name", [name for name in NETS if name not in ("vit-s", "vit-b")])
def test_permutation_preserves_every_architecture(name: str) -> None:
    permutation_holds(random_net(by_name(name)), 1, 2)


@torch.no_grad()
def test_inference_keeps_no_tensor_longer_than_it_is_read() -> None:
    net = random_net(by_name("resnet8")).eval()
    x = torch.randn(2, 32, 32, 3)
    every, kept = net.trace(x, 0), net.trace(x, 0, keep=False)
    assert torch.equal(every[-1], kept[-1])
    assert [len(tensor) for tensor in kept[:-1]] == [0] * (len(kept) - 1)
    assert torch.equal(net(x, 0), every[-1].flatten(1))


def test_the_most_important_units_come_first_and_take_their_weights_along() -> None:
    net = dense_net()
    scores = [np.zeros(group.units) for group in net.graph.groups]
    scores[2][[5, 3, 9]] = 3, 2, 1
    row, norm = net.weights[1][5].clone(), net.subnet_affines(0)[1].bias[5].clone()
    column = net.weights[2][:, 5].clone()
    orders = most_important_first(net.graph, scores)
    assert list(orders[2][:5]) == [5, 3, 9, 0, 1]
    permute(net, orders)
    assert torch.equal(net.weights[1][0], row)
    assert torch.equal(net.weights[2][:, 0], column)
    assert net.subnet_affines(0)[1].bias[0] == norm


@pytest.mark.lesser
def test_importance_is_weight_times_summed_gradient() -> None:
    net = dense_net(units=(6, 5, 4))
    batches = [(torch.randn(8, 250), torch.randint(12, (8,))) for _ in range(3)]
    total = [torch.zeros_like(weight) for weight in net.weights]
    for x, y in batches:
        net.zero_grad()
        torch.autograd.backward(F.cross_entropy(net(x, 0), y))
        total = [a + w.grad for a, w in zip(total, net.weights, strict=True)]
    scores = score(net, batches).units
    assert [len(score) for score in scores] == [250, 6, 5, 4, 12]
    for g in (1, 2, 3):
        expected = (net.weights[g - 1] * total[g - 1]).abs().sum(1).detach().numpy()
        np.testing.assert_allclose(scores[g], expected, rtol=1e-5)
        assert scores[g].any()
    assert not scores[0].any()
    assert not scores[4].any()


def test_units_of_a_group_are_scored_by_every_layer_that_writes_them() -> None:
    graph = by_name("resnet8")
    net = random_net(graph)
    scores = score(net, [(features(graph, 4), torch.arange(4))]).units
    writers = [[x for x in graph.layers if x.writes[0].group == g and x.kind in WEIGHTED] for g in range(8)]
    assert [len(of) for of in writers] == [0, 2, 1, 1, 2, 1, 2, 1]
    loss = F.cross_entropy(net(features(graph, 4), 0), torch.arange(4))
    gradients = torch.autograd.grad(loss, list(net.weights), materialize_grads=True)
    each = [(w * g).abs().detach().numpy() for w, g in zip(net.weights, gradients, strict=True)]
    expected = sum(each[graph.layers.index(x)].sum((1, 2, 3)) for x in writers[4])
    np.testing.assert_allclose(scores[4], expected, rtol=1e-4)
    assert [bool(score.any()) for score in scores] == [False, *[True] * 6, False]


def test_kernels_of_pointwise_layers_are_parts_of_their_units() -> None:
    graph = by_name("ds-cnn-s")
    net = random_net(graph)
    scored = score(net, [(features(graph, 4), torch.arange(4))])
    layers = enumerate(graph.layers)
    pointwise = {
        (x.reads[0].group, x.writes[0].group): i
        for i, x in layers
        if x.kind is Kind.CONV and x.kernel == (1, 1)
    }
    assert set(scored.kernels) == set(pointwise)
    loss = F.cross_entropy(net(features(graph, 4), 0), torch.arange(4))
    gradients = torch.autograd.grad(loss, list(net.weights), materialize_grads=True)
    for pair, i in pointwise.items():
        expected = (net.weights[i] * gradients[i]).abs()[:, :, 0, 0].T.detach().numpy()
        np.testing.assert_allclose(scored.kernels[pair], expected, rtol=1e-4)
        assert (scored.units[pair[1]] >= 0.999 * scored.kernels[pair].sum(0)).all()
    # What is left of a group's is its depthwise layer's; nothing follows the last pointwise layer.
    np.testing.assert_allclose(scored.units[5], scored.kernels[4, 5].sum(0))
    assert scored.units[4].sum() > 1.1 * scored.kernels[3, 4].sum()


def test_the_baselines_score_weights_alone_and_at_random() -> None:
    graph = by_name("ds-cnn-s")
    net = random_net(graph)
    units = score(net, [], measure="magnitude").units
    of_last = next(
        i for i, x in reversed(list(enumerate(graph.layers))) if x.writes[0].group == 5 and x.kind in WEIGHTED
    )
    np.testing.assert_allclose(units[5], net.weights[of_last].abs().flatten(1).sum(1).detach(), rtol=1e-5)
    one, same, other = (score(net, [], measure="random", seed=seed).units for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[5], other[5])
    assert 0 <= one[5].min() < 0.2 < 0.8 < one[5].max() < 1
    assert not one[0].any()
    assert not one[6].any()


def test_scores_of_a_diverged_net_are_refused() -> None:
    net = dense_net(units=(6, 5, 4))
    net.weights[1].data[0, 0] = torch.inf
    with pytest.raises(DivergedError, match=r"\[full\]"):
        score(net, [(torch.randn(8, 250), torch.randint(12, (8,)))])
