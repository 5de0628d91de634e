"""Spoken labels are found by their recording, the rhythm by its tones."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from touchstone.checks.governance.labelled_files import riff_chunk, wav
from touchstone.methods.labelling.explicit_sound import FOUND, plays_rhythm, prompt_score, wav_sound
from touchstone.methods.labelling.fields import DamagedError, UnsupportedError

RATE = 8_000
UNIT = 0.1
Sound = NDArray[np.float64]


def speech(seed: int, seconds: float) -> Sound:
    generator = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    return 0.2 * generator.standard_normal(len(times)) * np.abs(np.sin(2 * np.pi * 2 * times))


def played(code: str, pitch: float = 800, unit: float = UNIT, rest: float = 5) -> Sound:
    """Dots, dashes, spaces between letters; rests before and after."""
    lengths = {".": 1, "-": 3}
    pieces = [np.zeros(int(rest * unit * RATE))]
    for sign in code:
        if sign == " ":
            pieces.append(np.zeros(int(2 * unit * RATE)))
            continue
        times = np.arange(int(lengths[sign] * unit * RATE)) / RATE
        pieces += [0.4 * np.sin(2 * np.pi * pitch * times), np.zeros(int(unit * RATE))]
    return np.concatenate([*pieces, np.zeros(int(rest * unit * RATE))])


@pytest.mark.parametrize("pitch", [300, 800, 2_500])
@pytest.mark.parametrize("unit", [0.05, 0.1, 0.2])
def test_the_rhythm_is_heard(pitch: float, unit: float) -> None:
    label = played(".- ..", pitch, unit)
    assert plays_rhythm(np.concatenate([label, speech(0, 4)]))
    noise = 0.01 * np.random.default_rng(1).standard_normal(len(label))
    assert plays_rhythm(label + noise)


@pytest.mark.parametrize("code", ["....", "-- ..", ".- .-", ".-..", ".. .-", "... ---", ".- .. -", ".- ...", "- .- .."])
def test_other_rhythms_are_no_label(code: str) -> None:
    assert not plays_rhythm(played(code))


def test_speech_and_silence_are_no_rhythm() -> None:
    assert not any(plays_rhythm(speech(seed, 10)) for seed in range(10))
    assert not plays_rhythm(np.zeros(RATE))
    assert not plays_rhythm(np.zeros(0))


def test_a_prompt_is_found_at_both_ends_whatever_its_loudness() -> None:
    prompt, rest = speech(2, 1.5), speech(3, 200)
    assert prompt_score(np.concatenate([0.3 * prompt, rest]), prompt) > 0.95
    assert prompt_score(np.concatenate([rest, prompt]), prompt) > 0.95
    over = np.concatenate([prompt, np.zeros(RATE)]) + 0.5 * speech(4, 2.5)
    assert prompt_score(over, prompt) > FOUND


def test_other_speech_is_no_prompt() -> None:
    prompt = speech(2, 1.5)
    assert max(prompt_score(speech(seed, 20), prompt) for seed in range(20, 30)) < 0.3
    assert prompt_score(prompt[:RATE], prompt) == 0
    assert prompt_score(speech(1, 3), np.zeros(50)) == 0
    assert prompt_score(np.zeros(RATE * 3), prompt) == 0


def encoded(sound: Sound, code: int, bits: int, channels: int = 1, rate: int = RATE) -> bytes:
    frames = np.repeat(sound[:, None], channels, axis=1).ravel()
    if code == 3:
        samples = frames.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        samples = (frames * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = (frames * (2**31 - 1)).astype("<i4")
        samples = whole.view(np.uint8).reshape(-1, 4)[:, 4 - bits // 8 :].tobytes()
    form = struct.pack("<HHIIHH", code, channels, rate, 0, 0, bits)
    body = riff_chunk(b"fmt ", form) + riff_chunk(b"data", samples)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


@pytest.mark.parametrize(("code", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
def test_samples_are_read(code: int, bits: int) -> None:
    sound = speech(5, 0.5)
    found = wav_sound(encoded(sound, code, bits, channels=2))
    assert np.abs(found - sound).max() < (0.02 if bits == 8 else 0.0001)


def test_other_rates_are_brought_to_one() -> None:
    times = np.arange(44_100) / 44_100
    found = wav_sound(encoded(0.5 * np.sin(2 * np.pi * 440 * times), 1, 16, rate=44_100))
    assert len(found) == RATE
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert np.abs(found - expected)[500:-500].max() < 0.01


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(UnsupportedError):
        wav_sound(encoded(speech(0, 0.1), 1, 16).replace(b"\x01\x00\x01\x00", b"\x55\x00\x01\x00", 1))
    for content in (b"RIFF\x04\x00\x00\x00WAVE", b"", encoded(np.zeros(9), 1, 16)[:-3]):
        with pytest.raises(DamagedError):
            wav_sound(content)


@given(st.binary(max_size=60), st.integers(0, 59))
def test_changed_files_end_in_the_declared_errors(change: bytes, at: int) -> None:
    content = wav(np.zeros(30), None)
    changed = content[:at] + change + content[at + len(change) :]
    try:
        assert np.isfinite(wav_sound(changed)).all()
    except (DamagedError, UnsupportedError):
        return
