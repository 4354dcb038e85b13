"""Joint training: the paper's loss weights, distillation, the best epoch, the same bits from a seed."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from reds.data.examples import Examples
from reds.data.load import speech_data
from reds.data.options import AugmentationOptions, DataOptions
from reds.data.speech import SpeechClips
from reds.elastic.net import ElasticNet, nest
from reds.errors import DivergedError
from reds.training.checkpoint import Checkpoint
from reds.training.losses import backward, loss_shares, sandwich
from reds.training.options import JointOptions, TrainingOptions
from reds.training.report import Report
from reds.training.tasks import Classes
from reds.training.trainer import accuracy, train
from reds.zoo.dnn import dnn
from tests.reds.support.speech import tiny_speech
from tests.reds.support.subnets import specs

WIDTHS = ((250, 8, 8, 8, 12), (250, 16, 12, 16, 12), (250, 24, 24, 24, 12))
GRAPH = dnn("s").resized(WIDTHS[-1])
HOW = TrainingOptions(epochs=10, batch=32, rate=2e-2, weight_decay=0.01, smoothing=0.1, dropout=0.1)


class Noting(Report):
    """Call a function after every epoch."""

    def __init__(self, note: Callable[[int, Sequence[float]], object]) -> None:
        self.note = note

    def epoch(self, number: int, accuracies: Sequence[float]) -> None:
        self.note(number, accuracies)


def examples(clips: SpeechClips, shift: int, mixup: float) -> Examples:
    which = DataOptions(set="speech-commands", source="auto", every=2, balanced=True)
    how = AugmentationOptions(shift_rows=shift, shift_columns=0, flip=False, mixup=mixup)
    return Examples(speech_data(clips), which, how)


def clips() -> Examples:
    return examples(tiny_speech(), 2, 0.3)


def elastic(seed: int = 0) -> ElasticNet:
    torch.manual_seed(seed)
    return nest(ElasticNet(GRAPH), specs(*WIDTHS))


def test_loss_shares_are_roots_of_parameter_shares() -> None:
    shares = loss_shares(elastic())
    assert sum(shares) == pytest.approx(1)
    sizes = [GRAPH.weights(widths) for widths in WIDTHS]
    assert shares[0] / shares[2] == pytest.approx((sizes[0] / sizes[2]) ** 0.5)


def gradients(net: ElasticNet, x: Tensor, target: Tensor, shares: list[float], distil: float) -> list[Tensor]:
    net.zero_grad()
    backward(net, x, target, Classes(), shares, distil, 0)
    return [weight.grad.clone() for weight in net.weights]


def test_without_distillation_the_gradient_is_of_the_weighted_sum() -> None:
    net, shares = elastic().eval(), [0.2, 0.3, 0.5]
    x, target = torch.randn(9, 250), Classes(0.1).smoothed(F.one_hot(torch.arange(9), 12).float())
    loss = sum(p * F.cross_entropy(net(x, i), target) for i, p in enumerate(shares))
    expected = torch.autograd.grad(loss, list(net.weights))
    torch.testing.assert_close(gradients(net, x, target, shares, 0.0), list(expected))


def test_distillation_teaches_the_smaller_subnets_only() -> None:
    net = elastic().eval()
    x, target = torch.randn(9, 250), F.one_hot(torch.arange(9), 12).float()
    backward(net, x, target, Classes(), [0.5, 0.5, 0.0], 1.0, 0)
    # The full net has no share of this loss, and being the teacher gives it no gradient.
    assert all(not value.grad.any() for value in net.subnet_affines(2).parameters())
    taught = net.subnet_affines(0)[-1].bias.grad
    answers = net(x, 2).detach().softmax(1)
    torch.testing.assert_close(taught, 0.5 * (net(x, 0).softmax(1) - answers).mean(0))


@pytest.mark.parametrize("subnets", [1, 2, 3])
def test_up_to_three_subnets_see_every_minibatch(subnets: int) -> None:
    for step in range(3):
        assert sorted(sandwich(subnets, step)) == [(i, 1) for i in range(subnets)]


@pytest.mark.parametrize("subnets", [4, 5, 10])
def test_of_more_subnets_those_between_take_turns_and_stand_for_each_other(subnets: int) -> None:
    turns = [dict(sandwich(subnets, step)) for step in range(subnets - 2)]
    assert all(next(iter(turn)) == subnets - 1 and len(turn) == 3 for turn in turns)
    for subnet in range(subnets):
        assert sum(turn.get(subnet, 0) for turn in turns) == subnets - 2


def test_the_best_epoch_is_kept() -> None:
    data, seen = clips(), []
    net = elastic()
    best = train(net, data, HOW, report=Noting(lambda _, now: seen.append(tuple(now))), distil=0.5)
    assert len(seen) == HOW.epochs
    assert sum(best) == max(sum(now) for now in seen)
    assert tuple(accuracy(net, i, *data.validation) for i in range(3)) == best
    assert min(best) > 0.5


@pytest.mark.parametrize(
    "how", [HOW, JointOptions(**asdict(HOW), distil=0.5, norms="own")], ids=["full", "joint"]
)
def test_diverged_training_names_the_epoch_and_the_rate(how: TrainingOptions) -> None:
    too_fast = replace(how, rate=1e30)
    with pytest.raises(DivergedError, match=rf"epoch 1.*\[{how.table[1:-1]}\].*1e\+30"):
        train(elastic(), clips(), too_fast)


@pytest.mark.lesser
def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    def weights(seed: int) -> bytes:
        net = elastic()
        train(net, clips(), HOW, seed=seed, distil=0.5)
        return b"".join(value.numpy().tobytes() for value in net.state_dict().values())

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)


def test_minibatches_draw_every_class_alike() -> None:
    data = tiny_speech()
    rare = torch.cat([torch.arange(4), torch.arange(16, len(data.train_y))]).numpy()
    few = replace(data, train_x=data.train_x[:, rare], train_y=data.train_y[rare])
    drawn = examples(few, 0, 0.0)
    generator = torch.Generator().manual_seed(0)
    batches = [batch for _ in range(40) for batch in drawn.batches(20, generator)]
    targets = torch.cat([drawn.augmented(batch, generator)[1] for batch in batches])
    counts = targets.sum(0)
    assert counts.min() > 0.85 * counts.mean()


@pytest.mark.parametrize("epoch", [1, 7, 10])
def test_a_killed_training_goes_on_with_the_same_bits(epoch: int, tmp_path: Path) -> None:
    def report(now: int, _: Sequence[float]) -> None:
        if now == epoch:
            raise KeyboardInterrupt

    def weights(net: ElasticNet) -> bytes:
        return b"".join(value.numpy().tobytes() for value in net.state_dict().values())

    whole, killed, resumed, other = (elastic(seed) for seed in (0, 0, 5, 5))
    best = train(whole, clips(), HOW, distil=0.5)
    file = tmp_path / "some.training"
    with pytest.raises(KeyboardInterrupt):
        train(
            killed, clips(), HOW, report=Noting(report), distil=0.5, checkpoint=Checkpoint(file, {"of": "it"})
        )
    seen: list[int] = []
    kept = Checkpoint(file, {"of": "it"})

    def note(now: int, _: Sequence[float]) -> None:
        seen.append(now)

    again = train(resumed, clips(), HOW, report=Noting(note), distil=0.5, checkpoint=kept)
    assert (again, weights(resumed)) == (best, weights(whole))
    assert seen == list(range(epoch + 1, 11))
    seen.clear()
    train(
        other, clips(), HOW, report=Noting(note), distil=0.5, checkpoint=Checkpoint(file, {"of": "another"})
    )
    assert seen == list(range(1, 11))
    kept.remove()
    assert not list(tmp_path.iterdir())


@given(st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_checkpoint_is_not_taken_up(tmp_path: Path, drawn: st.DataObject) -> None:
    file = tmp_path / "some.training"
    Checkpoint(file, {"of": "it"}).save("[full]", {"epoch": 1})
    assert Checkpoint(file, {"of": "it"}).phases == {"[full]": {"epoch": 1}}
    data = bytearray(file.read_bytes())
    at = drawn.draw(st.integers(0, len(data) - 1))
    data[at] ^= drawn.draw(st.integers(1, 255))
    file.write_bytes(drawn.draw(st.sampled_from([data, data[:at]])))
    assert not Checkpoint(file, {"of": "it"}).phases


def test_a_checkpoint_that_finds_no_room_is_an_error_of_the_system(tmp_path: Path) -> None:
    blocked = tmp_path / "file" / "some.training"
    blocked.parent.touch()
    with pytest.raises(OSError, match=r"some\.training"):
        Checkpoint(blocked, {"of": "it"}).save("[full]", {"epoch": 1})


def test_an_epoch_too_short_for_all_turns_goes_on_where_the_one_before_stopped() -> None:
    data = clips()
    widths = [
        tuple(max(1, n * k // 5) if c.cut else n for n, c in zip(GRAPH.full, GRAPH.groups, strict=True))
        for k in range(1, 6)
    ]
    torch.manual_seed(0)
    net = nest(ElasticNet(GRAPH), specs(*widths))
    before = [net.subnet_affines(i)[0].running_mean.clone() for i in range(5)]
    how = replace(HOW, epochs=3, batch=len(data.batches(1, torch.Generator())))
    assert len(data.batches(how.batch, torch.Generator())) == 1
    train(net, data, how)
    assert not any(torch.equal(net.subnet_affines(i)[0].running_mean, before[i]) for i in range(5))
