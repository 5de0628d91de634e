"""joblib: every compression and array layout it writes."""

from __future__ import annotations

import joblib
import numpy as np
from benign_room import SEED, Room

COMPRESSIONS = ("zlib", "gzip", "bz2", "lzma", "xz")


def make(room: Room) -> None:
    """One bundle of arrays in every compression and protocol, and the layouts arrays come in."""
    random = np.random.default_rng(SEED)
    bundle = {
        "weights": random.standard_normal((40, 30)).astype(np.float32),
        "columns": np.asfortranarray(random.standard_normal((12, 5))),
        "names": np.array(["one", "two", None], dtype=object),
        "text": np.array(["a", "bc"]),
        "empty": np.empty((0, 4)),
        "scalar": np.float64(1.5),
        "list": [random.integers(0, 9, 5) for _ in range(3)],
    }
    for compression in COMPRESSIONS:
        joblib.dump(bundle, room.file(f"joblib/bundle.{compression}.joblib", "joblib", "joblib"), (compression, 3))
    for protocol in (2, 3, 4, 5):
        joblib.dump(bundle, room.file(f"joblib/protocol-{protocol}.joblib", "joblib", "joblib"), protocol=protocol)
    joblib.dump(bundle["weights"], room.file("joblib/one-array.joblib", "joblib", "joblib"))
    joblib.dump({"plain": [1, "two", 3.0]}, room.file("joblib/no-array.joblib", "joblib", "joblib"))
    joblib.dump(bundle, room.file("joblib/level-9.joblib", "joblib", "joblib"), compress=9)
    structured = np.array([(1, 2.0, "x")], dtype=[("id", "i4"), ("value", "f8"), ("name", "U4")])
    joblib.dump(structured, room.file("joblib/structured.joblib", "joblib", "joblib"))
    mapped = np.memmap(room.root / "joblib-memmap.tmp", dtype=np.float32, mode="w+", shape=(8, 8))
    joblib.dump(mapped, room.file("joblib/from-memmap.joblib", "joblib", "joblib"))
    del mapped
    (room.root / "joblib-memmap.tmp").unlink()
