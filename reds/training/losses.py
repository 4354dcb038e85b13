"""Compute the loss of joint training, and choose the subnets that a minibatch goes through.

The losses of all subnets are summed with the paper's weights `pi_i = sqrt(p_i) / sum sqrt(p_j)`, where p_i is
the share of the parameters that subnet i has (REDS, arXiv 2311.13349). Two rules come from slimmable networks
(Yu and Huang, arXiv 1903.05134). The sandwich rule: a minibatch goes through the largest subnet, the smallest
and one of those between, each in its turn. In-place distillation: the smaller subnets also learn from the
full net's outputs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from reds.elastic.net import ElasticNet
from reds.training.tasks import Goal


def loss_shares(net: ElasticNet) -> list[float]:
    """Return the paper's loss weight pi of each subnet; they sum to 1."""
    roots = [net.graph.weights(subnet.widths) ** 0.5 for subnet in net.subnets]
    return [root / sum(roots) for root in roots]


def sandwich(subnets: int, step: int) -> list[tuple[int, int]]:
    """Return the subnets that minibatch `step` goes through, largest first, each with its loss factor.

    Up to three subnets all take part. Of more, one between the largest and the smallest stands for all of
    those between: its factor is their number.
    """
    between = subnets - 2
    middle = [(1 + step % between, between)] if between > 0 else []
    smallest = [(0, 1)] if subnets > 1 else []
    return [(subnets - 1, 1), *middle, *smallest]


def backward(
    net: ElasticNet, x: Tensor, target: Tensor, goal: Goal, shares: Sequence[float], distil: float, step: int
) -> None:
    """Add the gradient of one minibatch's loss to the net's gradients.

    Subnets run one after the other, so that memory holds the activations of one at a time.

    Args:
        net: Its last subnet, the full net, teaches the others.
        x: Features float32 [N, features].
        target: What the outputs should be, float32 [N, outputs].
        goal: The loss of the outputs.
        shares: Loss weight of each subnet, from `loss_shares`.
        distil: Share of the full net's outputs in the targets of the other subnets.
        step: Number of the minibatch, which decides the subnets that take part.
    """
    mixed = target
    for subnet, factor in sandwich(len(shares), step):
        outputs = net(x, subnet)
        torch.autograd.backward(factor * shares[subnet] * goal.loss(outputs, mixed))
        if subnet == len(shares) - 1:
            mixed = goal.taught(target, outputs.detach(), distil)
