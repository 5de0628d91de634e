"""Claim: every corruption runs at any size and channel count and gives a picture the same bits in batches of any size.

For every family: sizes 8x8x1, 28x28x1, 32x48x3 and 224x224x3, in batches of 1, 16 and 64 (the bits must not change);
milliseconds per picture at 32 and 224 pixels in batches of 16. With the Python of an environment that has
`imagecorruptions` as argument, its families on the same pictures for comparison: whether they run, whether two calls
under the same seed agree, and their time. Times are processor milliseconds on one thread: set OMP_NUM_THREADS=1.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/corruptions.py [OTHER_PYTHON]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from record import keep
from touchstone.methods.corruptions.draws import SampleDraws
from touchstone.methods.corruptions.image import CONDITION_FAMILIES, PICTURE_FAMILIES, corrupt_pictures
from touchstone.methods.corruptions.optics import Pictures

SIZES = {"8x8x1": (1, 8, 8), "28x28x1": (1, 28, 28), "32x48x3": (3, 32, 48), "224x224x3": (3, 224, 224)}
BATCHES = (1, 16, 64)
TIMED = (32, 224)
ROUNDS = 5
SEVERITY = 3

PEER = """
import json, statistics, sys, time, warnings
import numpy as np
warnings.filterwarnings("ignore")
import imagecorruptions
from imagecorruptions import corrupt, get_corruption_names
rounds, severity, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
result = {}
for name in get_corruption_names("all"):
    result[name] = found = {}
    for path in files:
        pictures = np.load(path)
        size = pictures.shape[1]
        try:
            times = []
            for _ in range(rounds):
                start = time.process_time()
                for picture in pictures:
                    corrupt(picture, severity=severity, corruption_name=name)
                times.append((time.process_time() - start) / len(pictures) * 1000)
            again = []
            for _ in range(2):
                np.random.seed(0)
                again.append(np.asarray(corrupt(pictures[0], severity=severity, corruption_name=name)))
            found[f"milliseconds_{size}"] = round(statistics.median(times), 3)
            found["same_under_one_seed"] = bool((again[0] == again[1]).all())
        except Exception as error:
            found["fails"] = f"{type(error).__name__}: {error}"[:120]
print(json.dumps(result))
"""

THEIR_NAMES = {"elastic": "elastic_transform", "jpeg": "jpeg_compression"}


def pictures(n: int, channels: int, height: int, width: int) -> Pictures:
    """Cuttings of a photograph, the same every time."""
    scene = Image.fromarray(load_sample_image("china.jpg")).resize((2 * width, 2 * height))
    whole = np.asarray(scene, dtype=np.float32).transpose(2, 0, 1)[:channels] / 255
    generator = np.random.default_rng(0)
    corners = zip(generator.integers(height, size=n), generator.integers(width, size=n), strict=True)
    return np.stack([whole[:, top : top + height, left : left + width] for top, left in corners])


def spoilt(family: str, x: Pictures, first: int = 0) -> Pictures:
    """The pictures under a family at the severity that limits speak of; `first` is the number of the first one."""
    return corrupt_pictures(family, x, SEVERITY, SampleDraws(7, range(first, first + len(x))), low=0.0, high=1.0)


def same_in_every_batch(family: str, x: Pictures) -> bool:
    """Whether the bits of every picture are the same in batches of all sizes; raises where the family fails."""
    answers = [
        np.concatenate([spoilt(family, x[start : start + size], start) for start in range(0, len(x), size)])
        for size in BATCHES
    ]
    sound = all(np.isfinite(each).all() and each.shape == x.shape for each in answers)
    return sound and all((each == answers[0]).all() for each in answers)


def milliseconds(family: str, x: Pictures) -> float:
    """Processor time per picture, median over rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        spoilt(family, x)
        times.append((time.process_time() - start) / len(x) * 1000)
    return round(statistics.median(times), 3)


def of_peer(python: str) -> dict[str, Any]:
    """The same pictures through `imagecorruptions` in another environment."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for side in TIMED:
            files.append(str(Path(folder) / f"{side}.npy"))
            octets = np.rint(pictures(16, 3, side, side) * 255).astype(np.uint8)
            np.save(files[-1], octets.transpose(0, 2, 3, 1))
        command = [python, "-c", PEER, str(ROUNDS), str(SEVERITY), *files]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    families: dict[str, Any] = {}
    for family in CONDITION_FAMILIES:
        families[family] = {
            "same_bits_in_batches_of_1_16_64": {
                name: same_in_every_batch(family, pictures(64, *shape)) for name, shape in SIZES.items()
            },
            **{f"milliseconds_{side}": milliseconds(family, pictures(16, 3, side, side)) for side in TIMED},
        }
    agree = [all(found["same_bits_in_batches_of_1_16_64"].values()) for found in families.values()]
    measured: dict[str, Any] = {
        "families": families,
        "run_and_reproduce": f"{sum(agree)} of {len(agree)}",
        "milliseconds_for_all_limited_families": {
            str(side): round(sum(families[name][f"milliseconds_{side}"] for name in PICTURE_FAMILIES), 1)
            for side in TIMED
        },
    }
    if len(sys.argv) > 1:
        peer = of_peer(sys.argv[1])
        runs = [name for name, found in peer.items() if "fails" not in found]
        measured["imagecorruptions 1.1.2"] = {
            "families": peer,
            "run": f"{len(runs)} of {len(peer)}",
            "same_under_one_seed": f"{sum(peer[name]['same_under_one_seed'] for name in runs)} of {len(runs)}",
            "our_time_over_theirs": {
                family: {
                    str(side): round(families[family][key] / max(peer[theirs][key], 1e-3), 2)
                    for side in TIMED
                    if (key := f"milliseconds_{side}") in peer[theirs]
                }
                for family in families
                if (theirs := THEIR_NAMES.get(family, family)) in runs
            },
        }
    keep("corruptions", "every corruption runs at any size and gives the same bits in batches of any size", measured)


if __name__ == "__main__":
    main()
