"""Compute with the parameters of another elastic net, in another way."""

from torch import nn

from reds.elastic.net import ElasticNet


class SharedNet(ElasticNet):
    """Share the parameters of a net; a subclass changes what is computed with them."""

    def __init__(self, net: ElasticNet) -> None:
        nn.Module.__init__(self)
        self.graph, self.subnets, self.dropout = net.graph, net.subnets, net.dropout
        self.standardization = net.standardization
        self.weights, self.affines, self.mean, self.std = net.weights, net.affines, net.mean, net.std
