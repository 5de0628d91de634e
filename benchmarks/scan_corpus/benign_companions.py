"""Smaller libraries around the large ones: encoders, clusterers, survival models, search indexes, recommenders.

UMAP and SHAP are left out on purpose: their models hold compiled-in functions, which loading them rebuilds.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas
from benign_room import SEED, Room
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def make(room: Room) -> None:
    """One small model of each library."""
    warnings.simplefilter("ignore")
    rows, classes = make_classification(n_samples=80, n_features=5, random_state=SEED)
    table = pandas.DataFrame(rows, columns=list("abcde"))
    table["kind"] = ["x", "y"] * 40
    makers: dict[str, Callable[[], Any]] = {
        "category-encoders": lambda: _encoders(table, classes),
        "feature-engine": lambda: _features(table, classes),
        "hdbscan": lambda: _clusters(rows),
        "lifelines": lambda: _survival(rows, classes),
        "pmdarima": lambda: _series(rows),
        "pyod": lambda: _outliers(rows),
        "mlxtend": lambda: _stack(rows, classes),
        "tslearn": lambda: _shapes(rows),
        "rank-bm25": _search,
        "optuna": _study,
        "langchain-community": _documents,
        "scikit-surprise": _ratings,
        "implicit": _factors,
        "networkx": _graphs,
        "python-dateutil": _zones,
    }
    for library, maker in makers.items():
        room.file(f"companions/{library}.pkl", "pickle", library).write_bytes(pickle.dumps(maker()))


def _encoders(table: pandas.DataFrame, classes: np.ndarray) -> list[Any]:
    import category_encoders

    names = ("TargetEncoder", "OrdinalEncoder", "OneHotEncoder", "BinaryEncoder", "CatBoostEncoder", "WOEEncoder")
    return [getattr(category_encoders, name)(cols=["kind"]).fit(table, classes) for name in names]


def _features(table: pandas.DataFrame, classes: np.ndarray) -> Any:
    from feature_engine.encoding import RareLabelEncoder
    from feature_engine.imputation import MeanMedianImputer

    return make_pipeline(MeanMedianImputer(), RareLabelEncoder()).fit(table, classes)


def _clusters(rows: np.ndarray) -> Any:
    import hdbscan

    model = hdbscan.HDBSCAN(prediction_data=True).fit(rows)
    return [model, model.condensed_tree_]


def _survival(rows: np.ndarray, classes: np.ndarray) -> Any:
    from lifelines import KaplanMeierFitter, WeibullFitter

    times = np.abs(rows[:, 0]) + 0.1
    return [KaplanMeierFitter().fit(times, classes), WeibullFitter().fit(times, classes)]


def _series(rows: np.ndarray) -> Any:
    from pmdarima.arima import ARIMA

    return ARIMA(order=(1, 0, 0)).fit(np.cumsum(rows[:40, 0]))


def _outliers(rows: np.ndarray) -> list[Any]:
    from pyod.models import copod, ecod, hbos, iforest, knn, lof, ocsvm, pca

    kinds = (copod.COPOD, ecod.ECOD, hbos.HBOS, iforest.IForest, knn.KNN, lof.LOF, ocsvm.OCSVM, pca.PCA)
    return [kind().fit(rows) for kind in kinds]


def _stack(rows: np.ndarray, classes: np.ndarray) -> Any:
    from mlxtend.classifier import StackingClassifier

    parts = [LogisticRegression(), LogisticRegression(C=0.5)]
    return StackingClassifier(parts, meta_classifier=LogisticRegression()).fit(rows, classes)


def _shapes(rows: np.ndarray) -> Any:
    from tslearn.clustering import TimeSeriesKMeans

    return TimeSeriesKMeans(2, max_iter=2, random_state=SEED).fit(rows.reshape(80, 5, 1))


def _search() -> Any:
    from rank_bm25 import BM25Okapi, BM25Plus

    return [BM25Okapi([["a", "b"], ["c", "d"]]), BM25Plus([["a", "b"], ["c", "d"]])]


def _study() -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_categorical("c", [1, 2]), n_trials=3)
    return study


def _documents() -> Any:
    """What a FAISS index of LangChain keeps beside the vectors (`index.pkl`)."""
    from langchain_community.docstore.in_memory import InMemoryDocstore
    from langchain_core.documents import Document

    return InMemoryDocstore({"1": Document(page_content="a", metadata={"page": 1})}), {0: "1"}


def _ratings() -> Any:
    from surprise import SVD, Dataset, Reader

    table = pandas.DataFrame({"user": [1, 2, 3], "item": [1, 2, 3], "rating": [1.0, 2.0, 3.0]})
    data = Dataset.load_from_df(table, Reader(rating_scale=(1, 3)))
    return SVD(n_epochs=2, random_state=SEED).fit(data.build_full_trainset())


def _factors() -> Any:
    import scipy.sparse
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=4, iterations=1, random_state=SEED)
    model.fit(scipy.sparse.random(5, 6, 0.5, format="csr", random_state=1), show_progress=False)
    return model


def _graphs() -> list[Any]:
    import networkx

    graph = networkx.path_graph(3)
    list(graph.adjacency())
    return [graph, networkx.DiGraph([(1, 2)]), networkx.MultiGraph([(1, 2)])]


def _zones() -> list[Any]:
    import datetime

    import pytz
    from dateutil import tz
    from dateutil.relativedelta import relativedelta

    zones = (pytz.timezone("Asia/Shanghai"), pytz.UTC, tz.tzutc(), tz.gettz("Asia/Shanghai"))
    return [relativedelta(days=1), *(datetime.datetime(2026, 1, 1, tzinfo=zone) for zone in zones)]
