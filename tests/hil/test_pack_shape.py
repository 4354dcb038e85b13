"""Packs of one shape do the same work."""

from dataclasses import replace

from hil.results.pack_shape import pack_shape
from reds.fixtures import fixtures_dir
from reds.pack import load
from reds.pack.model import Kind
from tests.support.depth import activated, without
from tests.support.nets import Maker


def test_shape_is_of_layers_that_run_their_units_and_activation_tables() -> None:
    maker = Maker(3, 3, 2)
    maker.add(Kind.CONV, 4)
    maker.add(Kind.CONV, 4)
    maker.add(Kind.ADD, other=1)
    maker.add(Kind.CONV, 4)
    model = maker.build([[2, 2, 4], [4, 4, 4]])
    shallow = without(model, [[(1, 3)], []])
    shapes = {pack_shape(each) for each in (model, shallow, activated(model, 1), activated(shallow, 1))}
    assert len(shapes) == 4
    assert pack_shape(replace(model, name="another")) == pack_shape(model)


def test_shape_of_the_shipped_pack_is_that_of_figures_kept_so_far() -> None:
    assert pack_shape(load(fixtures_dir() / "kws-dnn-s.reds")) == "55ba96b46bdf5c07"
