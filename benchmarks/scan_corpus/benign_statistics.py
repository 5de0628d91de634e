"""statsmodels, imbalanced-learn, skops and skorch."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import joblib
import numpy as np
import pandas
from benign_room import SEED, Room
from sklearn.datasets import make_classification


def make(room: Room) -> None:
    """Small fitted models."""
    warnings.simplefilter("ignore")
    rows, classes = make_classification(n_samples=80, n_features=5, weights=[0.8], random_state=SEED)
    _statsmodels(room, rows)
    _imbalanced(room, rows, classes)
    _skops(room, rows, classes)


def _pickle(room: Room, path: str, library: str, thing: Any) -> None:
    room.file(path, "pickle", library).write_bytes(pickle.dumps(thing))


def _statsmodels(room: Room, rows: np.ndarray) -> None:
    from statsmodels.api import GLM, OLS, add_constant, families
    from statsmodels.tsa.api import ARIMA, ExponentialSmoothing

    outcome, table = rows[:, 0], pandas.DataFrame(add_constant(rows[:, 1:]))
    fitted = {
        "ols": OLS(outcome, table).fit(),
        "ols-arrays": OLS(outcome, add_constant(rows[:, 1:])).fit(),
        "glm": GLM(np.abs(outcome), table, family=families.Gaussian()).fit(),
        "smoothing": ExponentialSmoothing(np.cumsum(np.abs(outcome)) + 1, trend="add").fit(),
        "arima": ARIMA(outcome, order=(1, 0, 0)).fit(),
    }
    for name, result in fitted.items():
        if hasattr(result, "remove_data"):
            result.remove_data()
        _pickle(room, f"statsmodels/{name}.pkl", "statsmodels", result)


def _imbalanced(room: Room, rows: np.ndarray, classes: np.ndarray) -> None:
    from imblearn.ensemble import BalancedRandomForestClassifier
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import Pipeline
    from sklearn.linear_model import LogisticRegression

    pipeline = Pipeline([("more", SMOTE(random_state=SEED)), ("model", LogisticRegression())]).fit(rows, classes)
    forest = BalancedRandomForestClassifier(n_estimators=3, random_state=SEED).fit(rows, classes)
    joblib.dump(pipeline, room.file("imbalanced-learn/pipeline.joblib", "joblib", "imbalanced-learn"))
    _pickle(room, "imbalanced-learn/forest.pkl", "imbalanced-learn", forest)


def _skops(room: Room, rows: np.ndarray, classes: np.ndarray) -> None:
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from skops.io import dump

    models = (
        RandomForestClassifier(n_estimators=3, random_state=SEED),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GradientBoostingClassifier(n_estimators=3, random_state=SEED),
        HistGradientBoostingClassifier(max_iter=3, random_state=SEED),
        SVC(random_state=SEED),
    )
    for model in models:
        dump(model.fit(rows, classes), room.file(f"skops/{type(model).__name__}.skops", "skops", "skops"))
