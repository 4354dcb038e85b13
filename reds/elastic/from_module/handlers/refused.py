"""Reject operations that no layer computes, each with its reason and what to do instead."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import torch
import torch.nn.functional as F  # noqa: N812, the field's name for it
from torch import nn

from reds.elastic.from_module.arranging import SHUFFLED
from reds.elastic.from_module.conversion import Conversion, handles

_REFUSED: Sequence[tuple[Sequence[Any], str, str]] = (
    (
        (nn.RNNBase, nn.RNNCellBase),
        "is a recurrent layer, whose state a pack does not keep",
        "use causal convolutions or attention over the time axis",
    ),
    (
        (nn.GroupNorm, F.group_norm, torch.group_norm),
        "normalizes positions and groups of units, which change with a subnet's units",
        "use BatchNorm, or LayerNorm over the units of each position",
    ),
    (
        (
            nn.InstanceNorm1d, nn.InstanceNorm2d, F.instance_norm, torch.instance_norm, nn.LocalResponseNorm,
            F.local_response_norm, F.normalize, nn.RMSNorm, F.rms_norm,
        ),
        "is a norm of the present input that no layer computes",
        "use BatchNorm, or LayerNorm over the units of each position",
    ),
    (
        (nn.Embedding, nn.EmbeddingBag, F.embedding, F.embedding_bag),
        "looks up rows by number, and a pack reads int8 features",
        "do it outside the net, and give the net its rows",
    ),
    (
        (nn.ChannelShuffle, F.channel_shuffle, F.native_channel_shuffle),
        *SHUFFLED,
    ),
    (
        (
            nn.PixelShuffle, nn.PixelUnshuffle, F.pixel_shuffle, F.pixel_unshuffle, nn.Fold, nn.Unfold,
            F.unfold, F.fold,
        ),
        "moves units to positions or back in an order that no layer copies",
        "use a transposed convolution, or a convolution with a stride",
    ),
    (
        (nn.UpsamplingBilinear2d,),
        "interpolates, and an upsampling layer copies",
        "use mode='nearest', or a transposed convolution",
    ),
    (
        (nn.Conv3d, nn.ConvTranspose3d, nn.MaxPool3d, nn.AvgPool3d, F.conv3d),
        "has three spatial axes",
        "give it rows and columns",
    ),
    (
        (torch.einsum,),
        "is a product by a formula",
        "use nn.Linear, matmul or F.scaled_dot_product_attention",
    ),
    (
        (
            nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d,
            nn.CircularPad1d, nn.CircularPad2d,
        ),
        "pads with other values than zeros",
        "pad with zeros",
    ),
    (
        (torch.stft, torch.fft.rfft, torch.fft.fft),
        "transforms a signal",
        "compute features outside the net",
    ),
    (
        (nn.TransformerDecoder, nn.TransformerDecoderLayer, nn.Transformer),
        "masks attention",
        "use nn.TransformerEncoder, which attends to all positions",
    ),
)  # fmt: skip


def _refusal(reason: str, remedy: str) -> Callable[..., NoReturn]:
    def handler(c: Conversion, *_: Any, **__: Any) -> NoReturn:
        c.reject(reason, remedy)

    return handler


for _operations, _reason, _remedy in _REFUSED:
    handles(*_operations)(_refusal(_reason, _remedy))
