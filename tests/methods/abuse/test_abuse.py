"""Hostile requests break what they say they break; bounds cover; the search finds what is planted."""

import json

import numpy as np
import pytest

from touchstone.methods.abuse import protocols, sponge
from touchstone.methods.abuse.latencies import quantile_bounds, ratio_of_quantiles
from touchstone.methods.abuse.leaks import leaks
from touchstone.methods.abuse.wire import hostile_streams
from touchstone.service.open_inference import Interface
from touchstone.service.served import NoQuestion

LEGAL = {"inputs": [{"name": "input", "shape": [1, 3], "datatype": "FP32", "data": [1.0, 2.0, 3.0]}]}


def test_every_hostile_document_is_refused_by_a_strict_reader() -> None:
    """And none by accident: the document they are made of is read."""
    interface = Interface("small", (3,), most_samples=8)
    assert interface.samples(json.dumps(LEGAL).encode()).shape == (1, 3)
    bodies = list(protocols.inference_question("/", LEGAL).hostile_bodies())
    assert len(bodies) > 80
    for body in bodies:
        if not body.lenient:
            with pytest.raises(NoQuestion):
                interface.samples(body.content)


@pytest.mark.parametrize(
    "question",
    [
        protocols.inference_question("/", LEGAL),
        protocols.chat_question("/", protocols.chat_document("m", "hello")),
        protocols.embeddings_question("/", protocols.embeddings_document("m", "hello")),
    ],
)
def test_no_hostile_document_is_the_legal_one(question: protocols.Question) -> None:
    before = json.dumps(question.legal)
    assert all(body.content != before.encode() for body in question.hostile_bodies() if not body.lenient)
    assert json.dumps(question.legal) == before
    assert len(json.dumps(question.repeated(1000))) > 1000


def test_hostile_streams_are_bytes_after_a_legal_start() -> None:
    streams = list(hostile_streams("/a", b"Host: a\r\n", b'{"a": 1}'))
    assert len({stream.content for stream in streams}) == len(streams) > 20


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("stack-trace", b'{"error": "Traceback (most recent call last):\\n"}'),
        ("stack-trace", b"at org.example.Server.run(Server.java:12)"),
        ("stack-trace", b"goroutine 7 [running]:"),
        ("path", b'{"error": "no such file: /opt/models/a.onnx"}'),
        ("path", rb"C:\models\a.onnx"),
        ("exception", b'{"error": "KeyError: inputs"}'),
        ("version", b"<hr>nginx/1.22.1"),
    ],
)
def test_internals_are_recognised(kind: str, body: bytes) -> None:
    assert kind in leaks({}, body)


def test_a_plain_refusal_shows_nothing() -> None:
    said = b'{"error": "shape is a list of whole numbers, at most 64 and/or 3/4; see /v2/models/small"}'
    assert leaks({"server": "nginx", "content-type": "application/json"}, said) == frozenset()
    assert leaks({"server": "nginx/1.22.1"}, b"{}") == {"version"}


def test_bounds_of_a_quantile_cover() -> None:
    generator = np.random.default_rng(3)
    missed = [0, 0]
    for _ in range(400):
        low, high = quantile_bounds(generator.exponential(size=100), 0.9, 0.05)
        missed[0] += low > np.log(10)
        missed[1] += high is not None and high < np.log(10)
    assert max(missed) <= 34  # binomial(400, 0.05) exceeds this with a chance below one in a thousand


def test_a_99th_percentile_is_bounded_from_368_samples_on() -> None:
    seconds = np.arange(1.0, 369.0)
    assert quantile_bounds(seconds, 0.99, 0.025)[1] == 368
    assert quantile_bounds(seconds[:-1], 0.99, 0.025)[1] is None
    assert quantile_bounds(seconds[:0], 0.99, 0.025) == (0.0, None)


def test_the_ratio_of_known_quantiles() -> None:
    ordinary = np.linspace(1, 2, 101)
    ratio = ratio_of_quantiles(5 * ordinary, ordinary, 0.5)
    assert ratio.value == pytest.approx(5)
    assert ratio.high is not None
    assert ratio.low < 5 < ratio.high
    with pytest.raises(ValueError, match="positive"):
        ratio_of_quantiles(ordinary, ordinary[:0], 0.5)


def test_the_costliest_sample_is_found() -> None:
    """Cost grows with the sum: no start is the worst, variation climbs."""
    generator = np.random.default_rng(5)
    starts = sponge.number_starts(generator.random((6, 20)) * 0.5, 0.0, 1.0, generator)
    vary = sponge.number_variation(0.0, 1.0, generator)
    asked: list[float] = []

    def cost(sample: np.ndarray) -> float:
        asked.append(-abs(float(sample.sum()) - 13.0))
        return asked[-1]

    found = sponge.costliest(starts, cost, vary, generator, 200)
    assert len(asked) == 200
    assert -abs(float(found.sum()) - 13.0) == max(asked)
    assert max(asked) > max(asked[: len(starts)])
    assert all(0.0 <= sample.min() <= sample.max() <= 1.0 for sample in starts)


def test_texts_stay_within_their_length() -> None:
    vary = sponge.text_variation(np.random.default_rng(1))
    starts = sponge.text_starts(["one", "another"])
    assert all(0 < len(text) <= sponge.LONGEST_TEXT for text in [*starts, vary(starts[-1], starts[-2])])
