"""MobileNetV1 (arXiv 1704.04861) and DS-CNN S (arXiv 1711.07128): depthwise separable convolutions."""

from torch import nn

from tests.architectures.architecture import Architecture, Published
from tests.architectures.nets.blocks import conv_norm, pooled_head

STAGES = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Units at width 1 and stride of each separable convolution."""


def separable(reads: int, units: int, stride: int) -> nn.Sequential:
    return nn.Sequential(conv_norm(reads, reads, 3, stride, groups=reads), conv_norm(reads, units))


def mobilenet_v1(width: float, classes: int) -> nn.Module:
    units = int(32 * width)
    layers = [conv_norm(3, units, 3, 2)]
    for full, stride in STAGES:
        layers.append(separable(units, units := int(full * width), stride))
    return nn.Sequential(*layers, pooled_head(units, classes))


def ds_cnn_s() -> nn.Module:
    """Return the net of MLPerf Tiny, for 49 frames of 10 coefficients; its padding is TensorFlow's."""
    stem = nn.Sequential(
        nn.ZeroPad2d((1, 1, 4, 5)), nn.Conv2d(1, 64, (10, 4), 2), nn.BatchNorm2d(64), nn.ReLU()
    )
    parts: list[nn.Module] = []
    for _ in range(4):
        parts += [nn.Conv2d(64, 64, 3, padding=1, groups=64), nn.BatchNorm2d(64), nn.ReLU()]
        parts += [nn.Conv2d(64, 64, 1), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(stem, nn.Dropout(0.2), *parts, nn.Dropout(0.4), pooled_head(64, 12))


ENTRIES = (
    Architecture(
        "MobileNetV1 0.25", "arXiv 1704.04861", lambda: mobilenet_v1(0.25, 2), (3, 96, 96),
        Published(lambda: mobilenet_v1(1.0, 1000), (3, 224, 224), 4.2e6, 569e6),
    ),
    Architecture(
        "DS-CNN S", "arXiv 1711.07128", ds_cnn_s, (1, 49, 10),
        Published(ds_cnn_s, (1, 49, 10), 23_756, 2_656_768),
    ),
)  # fmt: skip
