"""What the statistics of low bits find, and how often they are wrong about weights that nobody touched.

Needs torch and scikit-learn beside numpy; everything is trained here, on data that scikit-learn brings along.
"""

from __future__ import annotations

import io
import time
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from sklearn import cluster, datasets, decomposition, ensemble, linear_model, neural_network, preprocessing, svm
from threadpoolctl import threadpool_limits
from torch import nn

from record import keep
from touchstone.scan.source import MemorySource
from touchstone.scan.tensor_statistics import FIRST_SAMPLE, suspicion_of

CLAIM = (
    "no alarm on more than 1,000 untouched tensors; text and archives in the low 1 to 8 bits are found where they "
    "begin; random bytes are not, and cannot be"
)
SMALLEST = 256
TEXT = b"The quick brown fox jumps over the lazy dog, and nobody noticed what it carried. " * 40


@dataclass(frozen=True)
class Tensor:
    """Numbers of one model, and where they are from."""

    source: str
    numbers: np.ndarray[Any, Any]


SEEDS = {"first seed the rules were adjusted on": 20260901, "second": 77, "a seed they were not": 4242}


def main() -> None:
    """Measure both sides and keep the result."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with threadpool_limits(1):
        tensors = {name: weights(seed) for name, seed in SEEDS.items()}
    measured: dict[str, Any] = {name: false_alarms(each) for name, each in tensors.items()}
    measured["found"] = detections(next(iter(tensors.values())), np.random.default_rng(1))
    measured["cannot_tell"] = (
        "random bytes from ordinary low bits; a payload in the middle of a tensor of more than some 10,000 numbers, "
        "which is sampled; payloads put together in other ways than bit by bit or byte by byte"
    )
    keep("scan_tensor_statistics", CLAIM, measured)


def weights(seed: int) -> list[Tensor]:
    """All tensors that are large enough to be looked at."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    return [tensor for tensor in untouched(np.random.default_rng(seed)) if tensor.numbers.size >= SMALLEST]


def false_alarms(tensors: list[Tensor]) -> dict[str, Any]:
    """How often untouched weights look like something, and how long it takes to look."""
    started = time.thread_time()
    alarms = [(tensor.source, found) for tensor in tensors if (found := alarm(tensor.numbers))]
    seconds = time.thread_time() - started
    kinds: dict[str, int] = defaultdict(int)
    for tensor in tensors:
        kinds[tensor.source.split(":")[0]] += 1
    return {
        "untouched_tensors": len(tensors),
        "of": dict(sorted(kinds.items())),
        "false_alarms": [f"{source}: {found}" for source, found in alarms],
        "false_alarm_rate": len(alarms) / len(tensors),
        "upper_bound_95_if_none": round(1 - 0.05 ** (1 / len(tensors)), 4),
        "milliseconds_per_tensor": round(1000 * seconds / len(tensors), 1),
    }


def alarm(numbers: np.ndarray[Any, Any]) -> str:
    """What the statistics say about a tensor; empty for nothing."""
    little = np.ascontiguousarray(numbers).astype(numbers.dtype.newbyteorder("<"), copy=False)
    suspicion = suspicion_of(MemorySource(little.tobytes()), numbers.dtype.itemsize)
    return "" if suspicion is None else f"{suspicion.rule.id} {suspicion.shown}"


# ---- untouched weights


def untouched(random: np.random.Generator) -> Iterator[Tensor]:
    """Trained and untrained weights of many kinds, in the formats they are stored in."""
    for tensor in [*trained_by_torch(), *initial_by_torch()]:
        yield tensor
        yield Tensor(f"{tensor.source} as half", tensor.numbers.astype(np.float16))
        yield Tensor(f"{tensor.source} from half", tensor.numbers.astype(np.float16).astype(np.float32))
        brain = torch.from_numpy(tensor.numbers.copy()).bfloat16().float().numpy()
        yield Tensor(f"{tensor.source} from brain float", brain)
        step = max(float(np.abs(tensor.numbers).max()), 1e-6) / 127
        yield Tensor(f"{tensor.source} from 8 bits", (np.round(tensor.numbers / step) * step).astype(np.float32))
    yield from trained_by_sklearn()
    yield from made_by_formula(random)


def trained_by_torch() -> Iterator[Tensor]:
    """Small networks, trained until they fit."""
    for name, load in (("digits", datasets.load_digits), ("wine", datasets.load_wine), ("iris", datasets.load_iris),
                       ("cancer", datasets.load_breast_cancer)):  # fmt: skip
        inputs, labels = load(return_X_y=True)
        inputs = torch.tensor(preprocessing.StandardScaler().fit_transform(inputs), dtype=torch.float32)
        labels = torch.tensor(labels)
        width, classes = inputs.shape[1], int(labels.max()) + 1
        for optimiser in (torch.optim.Adam, torch.optim.SGD):
            dense = nn.Sequential(nn.Linear(width, 96), nn.LayerNorm(96), nn.GELU(), nn.Linear(96, 96), nn.ReLU(),
                                  nn.Linear(96, classes))  # fmt: skip
            yield from fitted(f"torch dense {name}", dense, inputs, labels, optimiser)
    inputs, labels = datasets.load_digits(return_X_y=True)
    images = torch.tensor(inputs.reshape(-1, 1, 8, 8) / 16, dtype=torch.float32)
    convolution = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 36, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    yield from fitted("torch convolution", convolution, images, torch.tensor(labels), torch.optim.Adam)
    rows = torch.tensor(inputs.reshape(-1, 8, 8) / 16, dtype=torch.float32)
    for cell in (nn.LSTM, nn.GRU):
        yield from fitted(f"torch {cell.__name__}", Recurrent(cell), rows, torch.tensor(labels), torch.optim.Adam)
    yield from fitted("torch transformer", Transformer(), rows, torch.tensor(labels), torch.optim.Adam)
    yield from fitted("torch embedding", Embedding(), torch.tensor(inputs, dtype=torch.long), torch.tensor(labels),
                      torch.optim.Adam)  # fmt: skip


class Recurrent(nn.Module):
    """Reads an image row by row."""

    def __init__(self, cell: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.cell = cell(8, 48, num_layers=2, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.cell(rows)[0][:, -1])
        return out


class Transformer(nn.Module):
    """Attends to the rows of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 48)
        self.layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(48, 4, 96, batch_first=True), 2)
        self.head = nn.Linear(48, 10)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.layers(self.first(rows)).mean(1))
        return out


class Embedding(nn.Module):
    """Adds up a vector for each grey level at each place."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(64 * 17, 32)
        self.head = nn.Linear(32, 10)

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.words(levels + 17 * torch.arange(64)).mean(1))
        return out


def fitted(
    name: str, network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, optimiser: Any
) -> Iterator[Tensor]:
    """The weights of a network after some epochs."""
    learning = optimiser(network.parameters(), lr=1e-3 if optimiser is torch.optim.Adam else 1e-2)
    network.train()
    for _ in range(6):
        for batch in torch.randperm(len(inputs)).split(64):
            if len(batch) > 1:
                learning.zero_grad()
                nn.functional.cross_entropy(network(inputs[batch]), labels[batch]).backward()
                learning.step()
    for key, value in network.state_dict().items():
        if value.dtype == torch.float32:
            yield Tensor(f"{name}: {key}", value.detach().numpy().copy())


def initial_by_torch() -> Iterator[Tensor]:
    """What the usual initialisers write."""
    fills: dict[str, Callable[[torch.Tensor], Any]] = {
        "uniform": nn.init.uniform_,
        "normal": nn.init.normal_,
        "xavier": nn.init.xavier_uniform_,
        "kaiming": nn.init.kaiming_normal_,
        "orthogonal": nn.init.orthogonal_,
        "sparse": lambda tensor: nn.init.sparse_(tensor, 0.5),
        "truncated": nn.init.trunc_normal_,
        "zeros": nn.init.zeros_,
        "ones": nn.init.ones_,
        "identity": nn.init.eye_,
    }
    for (name, fill), shape in product(fills.items(), ((64, 64), (256, 128))):
        tensor = torch.empty(shape)
        fill(tensor)
        yield Tensor(f"torch initial: {name}", tensor.numpy().copy())


def trained_by_sklearn() -> Iterator[Tensor]:
    """Whatever arrays of 64 bits the fitted estimators keep."""
    inputs, labels = datasets.load_digits(return_X_y=True)
    estimators = [
        linear_model.LogisticRegression(max_iter=50),
        linear_model.Ridge(),
        linear_model.SGDClassifier(),
        svm.SVC(),
        svm.LinearSVC(),
        neural_network.MLPClassifier((48,), max_iter=20),
        decomposition.PCA(),
        decomposition.FastICA(20),
        decomposition.NMF(12, max_iter=50),
        cluster.KMeans(10, n_init=1),
        ensemble.RandomForestClassifier(10),
        ensemble.GradientBoostingClassifier(n_estimators=3),
        preprocessing.PolynomialFeatures(2),
    ]
    for estimator in estimators:
        name = f"scikit-learn: {type(estimator).__name__}"
        estimator.fit(inputs, labels)
        for key, value in vars(estimator).items():
            for number, array in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                    yield Tensor(f"{name}.{key}[{number}]", array)
                tree = getattr(array, "tree_", None)
                if tree is not None:
                    yield Tensor(f"{name} threshold[{number}]", tree.threshold)
                    yield Tensor(f"{name} value[{number}]", tree.value)
    for name, load in (("digits", datasets.load_digits), ("cancer", datasets.load_breast_cancer)):
        data = load(return_X_y=True)[0]
        yield Tensor(f"data: {name}", data)
        yield Tensor(f"data: {name} as floats", data.astype(np.float32))


def made_by_formula(random: np.random.Generator) -> Iterator[Tensor]:
    """Tables that are no weights but lie among them."""
    places = np.arange(512)[:, None] / 10_000 ** (np.arange(64) / 64)
    for dtype in (np.float32, np.float16):
        yield Tensor("formula: positions", np.concatenate([np.sin(places), np.cos(places)], 1).astype(dtype))
        yield Tensor("formula: mask", np.triu(np.full((128, 128), -np.inf), 1).astype(dtype))
        yield Tensor("formula: counting", np.arange(2048).astype(dtype))
        yield Tensor("formula: mel filters", np.clip(random.normal(size=(80, 201)), 0, None).astype(dtype))
        yield Tensor("formula: one of each", np.eye(64).astype(dtype))
        yield Tensor("formula: levels", (random.integers(0, 256, 4096) / 255).astype(dtype))


# ---- planted payloads


def detections(benign: list[Tensor], random: np.random.Generator) -> dict[str, Any]:
    """Share of planted payloads that are found, by what was planted and where."""
    hosts = {
        "float32": [t.numbers.astype(np.float32) for t in benign if t.numbers.dtype == np.float32 and plain(t)],
        "float16": [t.numbers for t in benign if t.numbers.dtype == np.float16 and plain(t)],
    }
    payloads = {"text": TEXT[:1500], "zip": zipped(TEXT), "random bytes": random.bytes(1500)}
    found: dict[str, Any] = {}
    for (dtype, arrays), (kind, payload) in product(hosts.items(), payloads.items()):
        for place in ("beginning", "middle"):
            rates = {}
            for bits in range(1, 9):
                fitting = [array for array in arrays if array.size * bits >= 8 * 200][:12]
                hits = [
                    bool(alarm(planted(array, payload, bits, place, lowest_first=bool(number % 2))))
                    for number, array in enumerate(fitting)
                ]
                rates[f"{bits} bits"] = f"{sum(hits)}/{len(hits)}"
            found[f"{kind} in {dtype}, {place}"] = rates
    converted = [t.numbers for t in benign if "from brain float" in t.source and t.numbers.size >= 8192][:12]
    hits = [bool(alarm(planted(array, random.bytes(900), 8, "middle", lowest_first=False))) for array in converted]
    found["random bytes in float32 from brain float, middle, 8 bits"] = f"{sum(hits)}/{len(hits)}"
    return found


def plain(tensor: Tensor) -> bool:
    """Weights as they are trained and stored, not converted ones."""
    return tensor.source.startswith("torch") and " from " not in tensor.source and tensor.numbers.size >= 2048


def planted(
    numbers: np.ndarray[Any, Any], payload: bytes, bits: int, place: str, *, lowest_first: bool
) -> np.ndarray[Any, Any]:
    """The numbers with a payload in their lowest bits, as much of it as they hold."""
    words = numbers.reshape(-1).copy().view(np.uint32 if numbers.dtype == np.float32 else np.uint16)
    start = 0 if place == "beginning" else words.size // 2
    stream = np.unpackbits(np.frombuffer(payload, np.uint8), bitorder="little" if lowest_first else "big")
    stream = stream[: (words.size - start) * bits // bits * bits]
    stream = stream[: len(stream) // bits * bits].reshape(-1, bits).astype(words.dtype)[: words.size - start]
    weights = (1 << np.arange(bits)).astype(words.dtype)
    values = stream @ (weights if lowest_first else weights[::-1])
    mask = words.dtype.type((1 << bits) - 1)
    words[start : start + len(values)] = (words[start : start + len(values)] & ~mask) | values
    return words.view(numbers.dtype)


def zipped(content: bytes) -> bytes:
    """An archive with one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("planted.txt", content + np.random.default_rng(1).bytes(900))
    return file.getvalue()


if __name__ == "__main__":
    assert FIRST_SAMPLE >= SMALLEST
    main()
