"""List all architectures of the table."""

from collections.abc import Mapping

from tests.architectures.architecture import Architecture
from tests.architectures.nets import (
    bc_resnet,
    classics,
    convnext,
    dense_predictions,
    densenet,
    detectors,
    ghostnet,
    inception,
    inverted_residuals,
    mixer,
    mobilenet_v1,
    pointnet,
    preact_resnets,
    resnets,
    shufflenets,
    speech,
    squeezenet,
    time_series,
    transformers,
)

FAMILIES = (
    classics, mobilenet_v1, inverted_residuals, ghostnet, shufflenets, squeezenet, resnets, preact_resnets,
    densenet, inception, convnext, mixer, transformers, dense_predictions, detectors, speech, bc_resnet,
    time_series, pointnet,
)  # fmt: skip
ARCHITECTURES: Mapping[str, Architecture] = {
    entry.name: entry for family in FAMILIES for entry in family.ENTRIES
}
"""By name, in the order of the table."""
