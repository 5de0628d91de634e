"""Labels that people hear: a spoken prompt, found by normalised cross-correlation with a recording of it, or "AI" in
Morse code (short long, short short), which GB 45438-2025 (5.3) allows in its place.

The rhythm is taken for one only if it is played by tones of one pitch, with rests before and after it: speech has
rhythms of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from touchstone.methods.labelling.fields import DamagedError, UnsupportedError
from touchstone.methods.labelling.riff import riff_chunks

FOUND: Final = 0.5
"""Correlation from which a prompt is taken to be there."""

_RATE = 8_000
_SEARCHED = 60
"""Seconds at the beginning and at the end in which a label is looked for."""
_FRAME = 80
"""Samples in which loudness and pitch are measured: a hundredth of a second."""
_MOST_BYTES = 64 * 1024 * 1024
"""Samples of six minutes in two channels at the rate of a compact disc."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE

Sound = NDArray[np.float64]


def wav_sound(content: bytes) -> Sound:
    """One channel of a WAV file at 8,000 samples a second.

    Raises `DamagedError`, and `UnsupportedError` for what is not PCM or longer than is read.
    """
    form: tuple[int, int, int, int] | None = None
    samples: bytes | None = None
    for kind, data in riff_chunks(content):
        if kind == b"fmt " and len(data) >= 16:
            code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data)
            if code == _EXTENSIBLE and len(data) >= 26:
                (code,) = struct.unpack_from("<H", data, 24)
            form = (code, channels, rate, bits)
        elif kind == b"data":
            samples = data
    if form is None or samples is None or not 1 <= form[1] <= 64 or not 1_000 <= form[2] <= 192_000:
        raise DamagedError
    if len(samples) > _MOST_BYTES:
        raise UnsupportedError
    code, channels, rate, bits = form
    numbers = _numbers(samples, code, bits)
    frames: Sound = numbers[: len(numbers) // channels * channels].reshape(-1, channels).mean(axis=1)
    if rate == _RATE:
        return frames
    common = int(np.gcd(rate, _RATE))
    resampled: Sound = signal.resample_poly(frames, _RATE // common, rate // common)
    return resampled


def _numbers(samples: bytes, code: int, bits: int) -> Sound:
    """Samples in -1..1."""
    if code == _FLOAT and bits in (32, 64):
        whole = samples[: len(samples) // (bits // 8) * (bits // 8)]
        numbers = np.frombuffer(whole, f"<f{bits // 8}").astype(np.float64)
        return np.clip(np.nan_to_num(numbers), -1, 1)
    if code != _PCM or bits not in (8, 16, 24, 32):
        raise UnsupportedError
    width = bits // 8
    raw = np.frombuffer(samples[: len(samples) // width * width], np.uint8).reshape(-1, width)
    if bits == 8:
        return (raw[:, 0].astype(np.float64) - 128) / 128
    padded = np.zeros((len(raw), 4), np.uint8)
    padded[:, 4 - width :] = raw
    return padded.view("<i4")[:, 0] / 2**31


def prompt_score(sound: Sound, prompt: Sound) -> float:
    """Best correlation of the prompt with a place in the first or last minute; loudness does not count."""
    loud = np.flatnonzero(np.abs(prompt) > 0.02 * np.abs(prompt).max(initial=0))
    if not len(loud):
        return 0.0
    wanted = prompt[loud[0] : loud[-1] + 1]
    return max((_correlation(part, wanted) for part in _ends(sound, len(wanted))), default=0.0)


def _ends(sound: Sound, length: int) -> Iterator[Sound]:
    span = _SEARCHED * _RATE + length
    parts = [sound] if len(sound) <= 2 * span else [sound[:span], sound[-span:]]
    return (part for part in parts if len(part) >= length)


def _correlation(sound: Sound, wanted: Sound) -> float:
    wanted = wanted - wanted.mean()
    norm = float(np.linalg.norm(wanted))
    size = fft.next_fast_len(len(sound), real=True)
    products = fft.irfft(fft.rfft(sound, size) * np.conj(fft.rfft(wanted, size)), size)
    places = len(sound) - len(wanted) + 1
    energy = np.concatenate([[0.0], np.cumsum(sound**2)])
    energy = energy[len(wanted) :] - energy[:places]
    heard = energy > 1e-6 * len(wanted)
    if norm == 0 or not heard.any():
        return 0.0
    return float((np.abs(products[:places][heard]) / (norm * np.sqrt(energy[heard]))).max())


@dataclass(frozen=True, slots=True)
class _Tone:
    start: int
    end: int
    pitch: float

    @property
    def length(self) -> int:
        return self.end - self.start


def plays_rhythm(sound: Sound) -> bool:
    """Whether tones play short long, short short in the first or last minute."""
    return any(_in_rhythm(list(_tones(part))) for part in _ends(sound, 1))


def _tones(sound: Sound) -> Iterator[_Tone]:
    """Stretches of one pitch with quieter ones between them, in frames."""
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME)
    if not len(frames):
        return
    spectra = np.abs(fft.rfft(frames * np.hanning(_FRAME), 512, axis=1)) ** 2
    power = spectra.sum(1)
    top = spectra.argmax(1)
    near = np.abs(np.arange(spectra.shape[1])[None, :] - top[:, None]) <= 14  # the main lobe of the window
    pure = (spectra * near).sum(1) > 0.8 * power
    on = pure & (power > 0.1 * np.quantile(power, 0.99)) & (power > 1e-6)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield _Tone(int(start), int(end), float(np.median(top[start:end])))


def _in_rhythm(tones: Sequence[_Tone]) -> bool:
    for at in range(len(tones) - 3):
        four = tones[at : at + 4]
        before = four[0].start - tones[at - 1].end if at else None
        after = tones[at + 4].start - four[3].end if at + 4 < len(tones) else None
        if _is_code(four) and all(rest is None or rest >= 4 * four[0].length for rest in (before, after)):
            return True
    return False


def _is_code(four: Sequence[_Tone]) -> bool:
    """Morse code (ITU-R M.1677): a dash is three dots long, letters are three dots apart, signs of a letter one."""
    pitches = [tone.pitch for tone in four]
    dots = [four[0].length, four[2].length, four[3].length]
    dot = float(np.median(dots))
    gaps = [later.start - earlier.end for earlier, later in pairwise(four)]
    return (
        dot >= 3
        and max(pitches) - min(pitches) <= 3
        and all(0.6 * dot <= each <= 1.5 * dot for each in dots)
        and 2 * dot <= four[1].length <= 4.5 * dot
        and all(0.4 * dot <= gap <= 2 * dot for gap in (gaps[0], gaps[2]))
        and 1.5 * dot <= gaps[1] <= 6 * dot
        and gaps[1] > max(gaps[0], gaps[2])
    )
