"""numpy, scipy and pandas: array files, and pickles of what they hold, in every protocol."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas
import scipy.sparse
from benign_room import SEED, Room


def make(room: Room) -> None:
    """Array files, and pickles of arrays, scalars, sparse matrices, distributions, tables and indexes."""
    random = np.random.default_rng(SEED)
    _array_files(room, random)
    if hasattr(np, "dtypes") and hasattr(np.dtypes, "StringDType"):
        strings = np.array(["one", "longer text than fits"], dtype=np.dtypes.StringDType())
        _pickle(room, "numpy/string-dtype.pkl", strings, "numpy")
    for name, thing in _numpy_things(random).items():
        _pickle(room, f"numpy/{name}.pkl", thing, "numpy")
    for protocol in range(6):
        arrays = {"weights": random.standard_normal(12), "ids": np.arange(4), "text": np.array(["a", "b"])}
        _pickle(room, f"numpy/protocol-{protocol}.pkl", arrays, "numpy", protocol)
    for name, thing in _scipy_things(random).items():
        _pickle(room, f"scipy/{name}.pkl", thing, "scipy")
    for name, thing in _pandas_things(random).items():
        _pickle(room, f"pandas/{name}.pkl", thing, "pandas")
    for ending in ("gz", "bz2", "xz", "zip"):
        table = pandas.DataFrame({"a": random.standard_normal(20), "b": range(20)})
        table.to_pickle(room.file(f"pandas/table.pkl.{ending}", "pickle", "pandas"))


def _pickle(room: Room, path: str, thing: Any, library: str, protocol: int = 5) -> None:
    room.file(path, "pickle", library).write_bytes(pickle.dumps(thing, protocol=protocol))


def _array_files(room: Room, random: np.random.Generator) -> None:
    arrays = {
        "float32": random.standard_normal((8, 4)).astype(np.float32),
        "float16": random.standard_normal(7).astype(np.float16),
        "int64-fortran": np.asfortranarray(np.arange(12).reshape(3, 4)),
        "complex": np.array([1 + 2j, 3j]),
        "text": np.array(["one", "two"]),
        "bytes": np.array([b"one", b"two"]),
        "bool": np.array([True, False]),
        "scalar": np.array(3.5),
        "empty": np.empty((0, 3)),
        "dates": np.array(["2026-01-01", "2026-02-01"], dtype="datetime64[D]"),
        "structured": np.array([(1, 2.0)], dtype=[("id", "i4"), ("value", "f8")]),
        "nested-structured": np.zeros(2, dtype=[("a", [("b", "f4", (2, 2))]), ("c", "S3")]),
        "big-endian": np.arange(5, dtype=">i4"),
    }
    for name, array in arrays.items():
        np.save(room.file(f"numpy/{name}.npy", "npy", "numpy"), array)
    np.savez(room.file("numpy/arrays.npz", "npz", "numpy"), **arrays)
    np.savez_compressed(room.file("numpy/compressed.npz", "npz", "numpy"), **arrays)
    objects = np.array([{"a": 1}, [1, 2], None, np.arange(3)], dtype=object)
    np.save(room.file("numpy/objects.npy", "npy", "numpy"), objects, allow_pickle=True)
    np.savez(room.file("numpy/objects.npz", "npz", "numpy"), objects=objects, plain=arrays["float32"])
    scipy.sparse.save_npz(room.file("scipy/sparse.npz", "npz", "scipy"), scipy.sparse.random(9, 9, 0.2, random_state=1))


def _numpy_things(random: np.random.Generator) -> dict[str, Any]:
    masked = np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    return {
        "scalars": [np.float32(1.5), np.int64(3), np.bool_(True), np.str_("a"), np.datetime64("2026-01-01"), np.nan],
        "dtypes": [np.dtype("f4"), np.dtype([("a", "i4")]), np.float32, np.int8],
        "masked": masked,
        "matrix": np.matrix([[1, 2], [3, 4]]),
        "record-array": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]).view(np.recarray),
        "random-state": np.random.RandomState(SEED),
        "generator": np.random.default_rng(SEED),
        "bit-generators": [np.random.MT19937(1), np.random.Philox(1), np.random.SFC64(1), np.random.SeedSequence(1)],
        "ufuncs": [np.add, np.log1p, np.exp, np.mean, np.median, np.sqrt],
        "polynomial": [np.polynomial.Polynomial([1, 2, 3]), np.polynomial.Chebyshev([1, 2]), np.poly1d([1, 2])],
        "fortran": np.asfortranarray(random.standard_normal((4, 3))),
        "objects": np.array([1, "two", None, (3, 4)], dtype=object),
        "texts": np.array(["one", "longer text than fits"]),
        "character-array": np.char.array(["a", "b"]),
    }


def _scipy_things(random: np.random.Generator) -> dict[str, Any]:
    from scipy import interpolate, optimize, signal, spatial, stats

    square = scipy.sparse.random(6, 6, 0.4, random_state=1)
    points = random.standard_normal((12, 2))
    grid = np.linspace(0, 1, 8)
    return {
        "sparse-matrices": [square.asformat(kind) for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")],
        "sparse-arrays": [
            scipy.sparse.coo_array(square).asformat(kind) for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
        ],
        "distributions": [stats.norm(0, 1), stats.uniform(0, 2), stats.randint(1, 5), stats.loguniform(1e-3, 1.0)],
        "kernel-density": stats.gaussian_kde(points.T),
        "interpolators": [
            interpolate.CubicSpline(grid, grid**2),
            interpolate.PchipInterpolator(grid, grid**2),
            interpolate.interp1d(grid, grid**2),
            interpolate.BSpline(np.arange(8.0), np.ones(4), 3),
            interpolate.UnivariateSpline(grid, grid**2),
            interpolate.RegularGridInterpolator((grid, grid), np.outer(grid, grid)),
            interpolate.RBFInterpolator(points, points[:, 0]),
        ],
        "trees": [spatial.KDTree(points), spatial.cKDTree(points)],
        "rotation": spatial.transform.Rotation.from_euler("z", 90, degrees=True),
        "optimize-result": optimize.minimize(lambda point: float(point @ point), [1.0, 2.0]),
        "bounds": [optimize.Bounds([0], [1]), optimize.LinearConstraint(np.eye(2))],
        "filter": signal.dlti([1.0], [1.0, 0.5]),
        "test-results": [stats.spearmanr([1, 2, 3], [1, 3, 2]), stats.linregress([1, 2, 3], [1, 3, 2])],
    }


def _pandas_things(random: np.random.Generator) -> dict[str, Any]:
    days = pandas.date_range("2026-01-01", periods=4, freq="D")
    table = pandas.DataFrame(
        {
            "number": random.standard_normal(4),
            "count": pandas.array([1, None, 3, 4], dtype="Int64"),
            "flag": pandas.array([True, None, False, True], dtype="boolean"),
            "text": ["a", "b", None, "d"],
            "kind": pandas.Categorical(["x", "y", "x", "y"], ordered=True),
            "day": days,
            "span": days - days[0],
            "zoned": days.tz_localize("Asia/Shanghai"),
            "period": pandas.period_range("2026-01", periods=4, freq="M"),
        }
    )
    several = pandas.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", "digit"])
    return {
        "table": table,
        "series": [table["number"], table["kind"], table["text"].astype("string"), table["count"]],
        "indexes": [
            pandas.RangeIndex(3),
            days,
            several,
            pandas.interval_range(0, 3),
            pandas.CategoricalIndex(["a"]),
            pandas.timedelta_range("1D", periods=2),
            pandas.period_range("2026-01", periods=2, freq="M"),
            pandas.Index(["a", "b"]),
        ],
        "scalars": [pandas.Timestamp("2026-01-01", tz="UTC"), pandas.Timedelta("1D"), pandas.NaT, pandas.NA],
        "spans": [pandas.Period("2026-01"), pandas.Interval(0, 1), pandas.offsets.BDay(2), pandas.offsets.MonthEnd()],
        "sparse": pandas.Series(pandas.arrays.SparseArray([0, 0, 1])),
        "pivot": pandas.DataFrame(random.standard_normal((4, 2)), index=several, columns=["p", "q"]),
        "dtypes": table.dtypes,
        "grouped-values": table.groupby("kind", observed=True)["number"].mean(),
    }
