"""The same kinds of pickles from old Pythons and old libraries, which hubs are full of.

    python2.7 benchmarks/scan_corpus/benign_older.py OUT

Runs by itself under Python 2.7 to 3.10 with whatever of numpy, scipy, pandas, scikit-learn and joblib is installed
there; `requirements-benign.txt` names the versions. It is written in what all these Pythons understand.
"""

import collections
import datetime
import decimal
import os
import pickle
import sys
import warnings

HERE = "py%d%d" % sys.version_info[:2]  # noqa: UP031 - Python 2.7 has no other way
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def main(out):
    """Write what can be written here below OUT/<version of Python>."""
    warnings.simplefilter("ignore")
    folder = os.path.join(out, HERE)  # noqa: PTH118
    if not os.path.isdir(folder):  # noqa: PTH112
        os.makedirs(folder)  # noqa: PTH103
    for makers in (plain, numpy_things, scipy_things, pandas_things, sklearn_things):
        try:
            made = makers()
        except ImportError as missing:
            print(HERE, "without", missing)
            continue
        for name, thing in sorted(made.items()):
            for protocol in PROTOCOLS:
                write(os.path.join(folder, "%s-%d.pkl" % (name, protocol)), thing, protocol)  # noqa: PTH118, UP031
    joblib_files(folder)


def write(path, thing, protocol):
    """One pickle; what this Python cannot pickle in this protocol is left out."""
    try:
        data = pickle.dumps(thing, protocol)
    except Exception as reason:
        print(HERE, os.path.basename(path), reason)  # noqa: PTH119
        return
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(data)


def plain():
    """What the standard library has."""
    return {
        "plain": {
            "list": [1, 2.5, None, True, 2**70],
            "text": "abc",
            "bytes": b"\x00\xff",
            "unicode": b"\xe4\xbd\xa0".decode("utf-8"),
            "set": set([1, 2]),  # noqa: C405
            "frozenset": frozenset([1]),
            "complex": 1j,
            "ordered": collections.OrderedDict([("a", 1)]),
            "counter": collections.Counter("hello"),
            "default": collections.defaultdict(list),
            "deque": collections.deque([1, 2]),
            "time": datetime.datetime(2020, 1, 2, 3, 4),
            "span": datetime.timedelta(1),
            "decimal": decimal.Decimal("1.5"),
            "error": ValueError("no"),
            "range": range(3),
            "slice": slice(1, 2),
        }
    }


def numpy_things():
    """Arrays, scalars, masked arrays, random states."""
    import numpy as np

    return {
        "numpy": [
            np.arange(6.0).reshape(2, 3),
            np.asfortranarray(np.ones((2, 2), dtype="f4")),
            np.array(["a", "bc"]),
            np.array([1, "two", None], dtype=object),
            np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
            np.float32(1.5),
            np.int64(3),
            np.bool_(True),
            np.dtype("f4"),
            np.float64,
            np.array(["2020-01-01"], dtype="datetime64[D]"),
        ],
        "numpy-masked": np.ma.masked_array([1.0, 2.0], mask=[0, 1]),
        "numpy-random": np.random.RandomState(1),
        "numpy-matrix": [np.matrix([[1, 2]]), np.rec.array([(1, 2.0)], names="a,b"), np.poly1d([1, 2])],
        "numpy-functions": [np.add, np.log1p, np.mean],
    }


def scipy_things():
    """Sparse matrices, distributions, interpolators."""
    import numpy as np
    from scipy import interpolate, sparse, spatial, stats

    square = sparse.csr_matrix(np.eye(3))
    grid = np.linspace(0, 1, 6)
    return {
        "scipy-sparse": [square, square.tocsc(), square.tocoo(), square.tolil(), square.todok(), square.todia()],
        "scipy-distributions": [stats.norm(0, 1), stats.randint(1, 5), stats.uniform(0, 2)],
        "scipy-interpolators": [interpolate.UnivariateSpline(grid, grid**2), interpolate.interp1d(grid, grid)],
        "scipy-trees": [spatial.cKDTree(np.eye(3))],
    }


def pandas_things():
    """Tables, indexes, dates."""
    import numpy as np
    import pandas as pd

    days = pd.date_range("2020-01-01", periods=3)
    table = pd.DataFrame(
        {"n": [1.5, 2.5, np.nan], "t": ["a", "b", None], "d": days, "k": pd.Categorical(["x", "y", "x"])}
    )
    return {
        "pandas-table": table,
        "pandas-series": [table["n"], table["t"], table["k"], table["d"]],
        "pandas-indexes": [
            pd.RangeIndex(3) if hasattr(pd, "RangeIndex") else pd.Index([1, 2]),
            pd.Index([1, 2, 5]),
            pd.Index([1.5, 2.5]),
            pd.Index(["a", "b"]),
            days,
            days.tz_localize("UTC"),
            days.tz_localize("Asia/Shanghai"),
            pd.MultiIndex.from_product([["a", "b"], [1, 2]]),
            pd.CategoricalIndex(["a"]),
            pd.period_range("2020-01", periods=2, freq="M"),
            pd.timedelta_range("1D", periods=2),
            pd.interval_range(0, 2) if hasattr(pd, "interval_range") else None,
        ],
        "pandas-scalars": [
            pd.Timestamp("2020-01-01"),
            pd.Timedelta("1D"),
            pd.NaT,
            pd.Period("2020-01"),
            pd.offsets.BDay(2),
        ],
    }


def sklearn_things():
    """All estimators that learn from a small table."""
    import numpy as np
    from sklearn.datasets import make_classification
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    try:
        from sklearn.utils import all_estimators
    except ImportError:
        from sklearn.utils.testing import all_estimators
    rows, classes = make_classification(n_samples=40, n_features=5, random_state=1)
    small = {"n_estimators": 2, "max_iter": 20, "random_state": 1, "n_components": 2}
    made = {}
    for name, kind in all_estimators():
        if name == "CheckingClassifier":
            continue  # belongs to scikit-learn's own tests
        try:
            model = kind()
            known = model.get_params(deep=False)
            model.set_params(**dict((key, value) for key, value in small.items() if key in known))  # noqa: C402
            made["sklearn-" + name] = model.fit(np.abs(rows), classes)
        except Exception as reason:
            print(HERE, name, type(reason).__name__)
    words = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(
        ["one two three", "three four five"] * 5, [0, 1] * 5
    )
    made["sklearn-words"] = [words, CountVectorizer().fit(["one two", "two three"])]
    made["sklearn-search"] = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2, scoring="f1").fit(rows, classes)
    return made


def joblib_files(folder):
    """A bundle of arrays, plain and compressed."""
    try:
        import numpy as np

        try:
            import joblib
        except ImportError:
            from sklearn.externals import joblib
    except ImportError as missing:
        print(HERE, "without", missing)
        return
    bundle = {"a": np.arange(20.0), "b": np.array(["x", None], dtype=object), "c": [np.ones((2, 3), order="F")]}
    joblib.dump(bundle, os.path.join(folder, "bundle.joblib"))  # noqa: PTH118
    joblib.dump(bundle, os.path.join(folder, "bundle-3.joblib"), compress=3)  # noqa: PTH118


if __name__ == "__main__":
    main(sys.argv[1])
