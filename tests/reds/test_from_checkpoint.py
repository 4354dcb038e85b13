"""A vision transformer's checkpoint becomes the net that its library computes, or is refused by one line."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import reds
from reds.data.catalog import DataSpec
from reds.elastic.layers import units_last
from reds.errors import NotElasticError
from reds.nesting.permute import most_important_first
from reds.pack.model import Kind
from reds.quantization.calibrate import ranges
from reds.quantization.range_search import outputs
from tests.reds.support.timm_vit import TimmVit, randomize
from tests.reds.support.torchvision import torchvision

State = dict[str, Tensor]
SIDE, CLASSES = 12, 5


def timm() -> nn.Module:
    module = TimmVit(SIDE, 4, units=24, heads=3, hidden=40, blocks=2, classes=CLASSES).eval()
    randomize(module)
    return module


def torchvisions() -> nn.Module:
    module: nn.Module = torchvision.models.VisionTransformer(
        SIDE, 4, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=40, num_classes=CLASSES
    ).eval()
    randomize(module)
    return module


@pytest.mark.parametrize("made", [timm, torchvisions])
@torch.no_grad()
def test_the_net_computes_what_the_library_does(made: Callable[[], nn.Module], tmp_path: Path) -> None:
    module, path = made(), tmp_path / "vit.pth"
    torch.save(module.state_dict(), path)
    net = reds.from_checkpoint(path, heads=3)
    x = torch.randn(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    expected = module(x)
    assert expected.std() > 0.1
    torch.testing.assert_close(net(units_last(x), 0), expected, rtol=1e-4, atol=1e-5)


def test_names_of_older_torchvision_and_wrapped_states_load(tmp_path: Path) -> None:
    state, path = torchvisions().state_dict(), tmp_path / "old.pt"
    old = {
        re.sub(r"mlp\.([03])\.", lambda m: f"mlp.linear_{int(m[1]) // 3 + 1}.", k): v
        for k, v in state.items()
    }
    assert old.keys() != state.keys()
    nets = []
    for held in (state, {"model": old, "epoch": 3}):
        torch.save(held, path)
        nets.append(reds.from_checkpoint(path, heads=3).state_dict())
    assert all(torch.equal(value, nets[1][name]) for name, value in nets[0].items())


def test_heads_are_of_64_units_and_pictures_square_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "vit.pt"
    torch.save(TimmVit(8, 4, units=128, heads=2, hidden=8, blocks=1, classes=2).state_dict(), path)
    graph = reds.from_checkpoint(path).graph
    assert [layer.block for layer in graph.layers if layer.kind.name == "ATTENTION"] == [64]
    assert (graph.tensors[0].height, graph.tensors[0].width) == (8, 8)
    wide = reds.from_checkpoint(path, sides=(4, 16)).graph
    assert (wide.tensors[0].height, wide.tensors[0].width) == (4, 16)


def test_safetensors_need_their_library_or_load(tmp_path: Path) -> None:
    path, state = tmp_path / "vit.safetensors", timm().state_dict()
    try:
        from safetensors.torch import save_file
    except ModuleNotFoundError:
        path.write_bytes(b"")
        with pytest.raises(NotElasticError, match="needs the package safetensors"):
            reds.from_checkpoint(path)
        return
    save_file(state, path)
    assert torch.equal(reds.from_checkpoint(path, heads=3).weights[-1], state["head.weight"])


def changed(name: str, value: object) -> Callable[[State], object]:
    return lambda state: {**state, name: value}


def without(*names: str) -> Callable[[State], object]:
    return lambda state: {name: value for name, value in state.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (without("blocks.1.mlp.fc2.bias"), r"blocks\.1\.mlp\.fc2\.bias is missing, one of 1"),
        (without("norm.weight", "norm.bias"), r"norm\.bias is missing, one of 2"),
        (without("patch_embed.proj.weight"), "no vision transformer, which has"),
        (without("pos_embed"), "pos_embed is missing"),
        (changed("dist_token", torch.zeros(1, 1, 24)), "dist_token is unknown, one of 1"),
        (changed("blocks.0.norm1.weight", torch.ones(23)), r"norm1\.weight has shape \[23\]: \[24\] is"),
        (changed("patch_embed.proj.weight", torch.ones(24, 48)), r"\[24, 48\]: 4 axes are needed"),
        (changed("patch_embed.proj.weight", torch.ones(24, 3, 4, 3)), r"\[24, 3, 4, 3\]: \[24, 3, 4, 4\]"),
        (changed("head.bias", torch.full((5,), torch.nan)), r"head\.bias holds values that are not finite"),
        (changed("head.bias", torch.zeros(5, dtype=torch.int8)), r"'head\.bias' is torch\.int8"),
        (changed("epoch", 7), "'epoch' is int"),
        (lambda state: {}, "holds an empty dict"),
        (lambda state: [*state.values()], "holds list"),
    ],
)  # fmt: skip
def test_a_checkpoint_that_does_not_fit_is_refused_by_the_parameters_name(
    change: Callable[[State], object], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "vit.pt"
    torch.save(change(timm().state_dict()), path)
    with pytest.raises(NotElasticError, match=rf"vit\.pt: .*{text}") as error:
        reds.from_checkpoint(path, heads=3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"heads": 5}, "heads are 5: a divisor of 24 units"),
        ({"heads": 0}, "heads are 0"),
        ({"heads": 3, "sides": (12, 8)}, "pictures of 12 x 8 are not 9 patches of 4 x 4"),
        ({"heads": 3, "sides": (6, 24)}, "pictures of 6 x 24"),
    ],
)  # fmt: skip
def test_heads_and_sides_that_do_not_fit_are_refused(
    options: dict[str, object], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "vit.pt"
    torch.save(timm().state_dict(), path)
    with pytest.raises(NotElasticError, match=text):
        reds.from_checkpoint(path, **options)  # type: ignore[arg-type]


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    path, sprung = tmp_path / "trap.pt", tmp_path / "sprung"
    for save in (torch.save, lambda held, to: to.write_bytes(pickle.dumps(held, 2))):
        save({"head.weight": Trap(sprung)}, path)
        with pytest.raises(NotElasticError, match="cannot be read as parameters"):
            reds.from_checkpoint(path)
        assert not sprung.exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", b"\x80\x02."])
def test_a_damaged_file_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "vit.pth"
    path.write_bytes(data)
    with pytest.raises(NotElasticError, match=r"vit\.pth: cannot be read as parameters: .*; save"):
        reds.from_checkpoint(path)
    with pytest.raises(NotElasticError, match="absent"):
        reds.from_checkpoint(tmp_path / "absent.pt")


def test_a_checkpoint_becomes_nested_int8_subnets_that_keep_whole_heads(tmp_path: Path) -> None:
    path, generator = tmp_path / "vit.pt", torch.Generator().manual_seed(2)
    torch.save(timm().state_dict(), path)
    full = reds.from_checkpoint(path, heads=3)
    x, y = torch.randn(64, SIDE * SIDE * 3, generator=generator), torch.arange(64) % CLASSES
    scores = reds.score(full, [(x, y)])
    subnets = reds.select(full.graph, scores.units, [0.5, 1.0], step=1, least=1)
    reds.permute(full, most_important_first(full.graph, scores.units))
    net = reds.nest(full, subnets)
    spec = DataSpec("random", (SIDE, SIDE, 3), tuple("abcde"), 1 / 32, 0, 1, "random.npz")
    model = reds.quantize(net, name="vit", ranges=ranges(net, x, [100.0])[0], source=spec)
    heads = {layer.kind: step for layer, step in zip(model.layers, model.subnets[0].steps, strict=True)}
    assert heads[Kind.ATTENTION].units_out in (8, 16)
    stored = (x * 32).round().clip(-127, 127).to(torch.int8).numpy()
    for i in range(2):
        with torch.no_grad():
            expected = net(torch.from_numpy(stored) / 32, i).numpy()
        assert np.corrcoef(outputs(model, i, stored).flat, expected.flat)[0, 1] > 0.98
