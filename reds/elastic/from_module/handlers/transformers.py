"""Convert torch's modules of attention and of transformers."""

from typing import Any

from torch import nn

from reds.elastic.from_module.conversion import Conversion, handles
from reds.elastic.from_module.handlers.arithmetic import add
from reds.elastic.from_module.handlers.attention import attention
from reds.elastic.from_module.handlers.functions import pointwise
from reds.elastic.from_module.handlers.weighted import layer_norm, linear
from reds.elastic.from_module.layout import Axes, reshaped
from reds.elastic.from_module.steps import Value


@handles(nn.MultiheadAttention)
def multihead(
    c: Conversion, query: Value, key: Value, value: Value, key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Value, None]:  # fmt: skip
    """Convert a module of attention; its weights are not returned."""
    if key_padding_mask is not None or attn_mask is not None:
        c.reject("masks attention", "attend to all positions")
    return _multihead(c, c.module, query, key, value), None


def _multihead(c: Conversion, m: nn.Module, query: Value, key: Value, value: Value) -> Value:
    assert isinstance(m, nn.MultiheadAttention)
    if m.bias_k is not None or m.add_zero_attn:
        c.reject("adds keys", "use add_bias_kv=False and add_zero_attn=False")
    apart = (m.q_proj_weight, m.k_proj_weight, m.v_proj_weight)
    weights = apart if m.in_proj_weight is None else m.in_proj_weight.chunk(3)
    biases = (None,) * 3 if m.in_proj_bias is None else m.in_proj_bias.chunk(3)
    heads, first = [], 1 if m.batch_first else 0
    for x, weight, bias in zip((query, key, value), weights, biases, strict=True):
        if len(x.axes) != 3:
            c.reject("attends without a batch", "give it [N, positions, units]")
        y = linear(c, x, weight, bias)
        n, tokens = y.axes[1 - first], y.axes[first]
        split = reshaped((y.axes[2],), (m.num_heads, m.head_dim))
        assert split is not None
        heads.append(y.with_axes((n, split[0], tokens, split[1])))
    y = attention(c, heads[0], heads[1], heads[2])
    joined = (*y.axes[1], *y.axes[3])
    axes: Axes = (y.axes[0], y.axes[2], joined) if m.batch_first else (y.axes[2], y.axes[0], joined)
    return linear(c, y.with_axes(axes), m.out_proj.weight, m.out_proj.bias)


@handles(nn.TransformerEncoderLayer)
def encoder_layer(
    c: Conversion, src: Value, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
) -> Value:
    """Convert a block of attention and two linear layers."""
    if src_mask is not None or src_key_padding_mask is not None or is_causal:
        c.reject("masks attention", "attend to all positions")
    return _encoded(c, c.module, src)


@handles(nn.TransformerEncoder)
def encoder(
    c: Conversion,
    src: Value,
    mask: Any = None,
    src_key_padding_mask: Any = None,
    is_causal: bool | None = None,
) -> Value:
    """Convert blocks of attention and two linear layers, one after the other."""
    if mask is not None or src_key_padding_mask is not None or is_causal:
        c.reject("masks attention", "attend to all positions")
    m = c.module
    assert isinstance(m, nn.TransformerEncoder)
    for layer in m.layers:
        src = _encoded(c, layer, src)
    return src if m.norm is None else _normed(c, m.norm, src)


def _encoded(c: Conversion, m: nn.Module, x: Value) -> Value:
    assert isinstance(m, nn.TransformerEncoderLayer)

    def attended(y: Value) -> Value:
        return _multihead(c, m.self_attn, y, y, y)

    def mixed(y: Value) -> Value:
        hidden = pointwise(c, m.activation, linear(c, y, m.linear1.weight, m.linear1.bias))
        return linear(c, hidden, m.linear2.weight, m.linear2.bias)

    if m.norm_first:
        x = add(c, x, attended(_normed(c, m.norm1, x)))
        return add(c, x, mixed(_normed(c, m.norm2, x)))
    x = _normed(c, m.norm1, add(c, x, attended(x)))
    return _normed(c, m.norm2, add(c, x, mixed(x)))


def _normed(c: Conversion, m: nn.Module, x: Value) -> Value:
    assert isinstance(m, nn.LayerNorm)
    return layer_norm(c, x, m.normalized_shape, m.weight, m.bias, m.eps)
