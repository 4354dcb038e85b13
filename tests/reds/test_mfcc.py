"""The front end against what tf.signal gives for the same sound."""

import numpy as np
import pytest

from reds.data.mfcc import RATE, fit_length, mfcc, normalized, quantized

# Rows 0, 24 and 48 of tf.signal's MFCC (TensorFlow 2.19) of `chirp`, made once:
# mfccs_from_log_mel_spectrograms(log(|stft(w / max(w), 480, 320)| @ linear_to_mel_weight_matrix(
# 40, 257, 16000, 20, 4000) + 1e-6))[..., :10].
GOLDEN = np.array(
    [
        [-8.51645, -2.86277, 0.85609, -0.60202, -1.72940, -1.53623, -2.39885, -0.91731, 1.01085, 0.53314],
        [-8.57171, -4.98209, -4.92593, -1.01586, 3.80093, 1.17364, -4.25416, -0.04579, 5.30133, 1.15600],
        [-9.93000, -5.32863, -0.61739, 0.55998, -1.08854, 0.00486, 0.54340, -0.10545, 1.28155, 1.02633],
    ]
)


def chirp() -> np.ndarray:
    """int16 [16000]: a rising tone under a bell, and a sawtooth that looks like noise."""
    i = np.arange(RATE)
    tone = np.sin(2 * np.pi * (300 + 0.05 * i) * i / RATE) * np.exp(-(((i - 8000) / 4000.0) ** 2))
    return np.round(9000 * tone + (i * 7919) % 1009 - 504).astype(np.int16)


def test_features_equal_those_of_tf_signal() -> None:
    features = mfcc(normalized(chirp().astype(np.float32)))
    assert features.shape == (49, 10)
    np.testing.assert_allclose(features[[0, 24, 48]], GOLDEN, atol=1e-4)


def test_quantized_features_are_truncated_and_clipped() -> None:
    scale = np.float32(0.5847029089927673)
    wanted = np.array([-400, -83.9, -83.0, -0.9, 0.9, 44.0, 90.0], np.float32)
    assert list(quantized(wanted * scale)) == [-128, 0, 0, 82, 83, 127, 127]


@pytest.mark.parametrize("n", [0, 100, RATE, RATE + 5])
def test_every_sound_becomes_one_second(n: int) -> None:
    sound = fit_length(np.ones(n, np.float32))
    assert len(sound) == RATE
    assert sound.sum() == min(n, RATE)


def test_silence_stays_silence() -> None:
    assert not normalized(np.zeros(RATE, np.float32)).any()
    assert np.isfinite(mfcc(np.zeros(RATE, np.float32))).all()
