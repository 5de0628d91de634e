"""scikit-learn: fitted estimators of every family, plain pickles and joblib files."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
from benign_room import SEED, Room
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning


def make(room: Room) -> None:
    """Fit small models and store each as a pickle and as a joblib file, in turns."""
    rows, classes = make_classification(n_samples=60, n_features=6, n_informative=4, random_state=SEED)
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", FutureWarning)
    warnings.simplefilter("ignore", UserWarning)
    for number, (name, fitted) in enumerate(_fitted(rows, classes)):
        if number % 3 == 2:
            joblib.dump(fitted, room.file(f"sklearn/{name}.joblib", "joblib", "scikit-learn"))
        else:
            file = room.file(f"sklearn/{name}.pkl", "pickle", "scikit-learn")
            file.write_bytes(pickle.dumps(fitted, protocol=4 if number % 3 else 5))
    _text_models(room)
    _containers_of_models(room, rows, classes)


def _fitted(rows: np.ndarray, classes: np.ndarray) -> Iterator[tuple[str, Any]]:
    """All estimators the library lists, fitted; with arguments that keep them small or that they cannot do without."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.tree import DecisionTreeClassifier
    from sklearn.utils import all_estimators

    needed: dict[str, dict[str, Any]] = {
        "ClassifierChain": {"estimator": LogisticRegression()},
        "ColumnTransformer": {"transformers": [("some", "passthrough", [0, 1])]},
        "FeatureUnion": {"transformer_list": [("one", "passthrough")]},
        "FixedThresholdClassifier": {"estimator": LogisticRegression()},
        "FrozenEstimator": {"estimator": LogisticRegression().fit(rows, classes)},
        "GridSearchCV": {"estimator": DecisionTreeClassifier(), "param_grid": {"max_depth": [1, 2]}},
        "HalvingGridSearchCV": {"estimator": DecisionTreeClassifier(), "param_grid": {"max_depth": [1, 2]}},
        "HalvingRandomSearchCV": {
            "estimator": DecisionTreeClassifier(),
            "param_distributions": {"max_depth": [1, 2, 3]},
        },
        "MultiOutputClassifier": {"estimator": LogisticRegression()},
        "MultiOutputRegressor": {"estimator": Ridge()},
        "OneVsOneClassifier": {"estimator": LogisticRegression()},
        "OneVsRestClassifier": {"estimator": LogisticRegression()},
        "OutputCodeClassifier": {"estimator": LogisticRegression()},
        "Pipeline": {"steps": [("model", LogisticRegression())]},
        "RFE": {"estimator": LogisticRegression()},
        "RFECV": {"estimator": LogisticRegression()},
        "RandomizedSearchCV": {
            "estimator": DecisionTreeClassifier(),
            "param_distributions": {"max_depth": [1, 2, 3]},
            "n_iter": 2,
        },
        "RegressorChain": {"estimator": Ridge()},
        "SelectFromModel": {"estimator": LogisticRegression()},
        "SelfTrainingClassifier": {"estimator": LogisticRegression()},
        "SequentialFeatureSelector": {"estimator": LogisticRegression()},
        "SparseCoder": {"dictionary": np.ones((2, 6))},
        "StackingClassifier": {"estimators": [("one", LogisticRegression()), ("two", DecisionTreeClassifier())]},
        "StackingRegressor": {"estimators": [("one", Ridge())]},
        "TunedThresholdClassifierCV": {"estimator": LogisticRegression()},
        "VotingClassifier": {"estimators": [("one", LogisticRegression()), ("two", DecisionTreeClassifier())]},
        "VotingRegressor": {"estimators": [("one", Ridge())]},
        "GenericUnivariateSelect": {},
    }
    small = {"n_estimators": 3, "max_iter": 20, "random_state": SEED, "n_components": 2, "n_init": 1}
    for name, kind in all_estimators():
        try:
            estimator = kind(**needed.get(name, {}))
        except TypeError:
            continue  # needs what this version calls otherwise
        known = estimator.get_params(deep=False)
        estimator.set_params(**{key: value for key, value in small.items() if key in known and name not in needed})
        targets = np.column_stack([classes, 1 - classes]) if "Multi" in name or "Chain" in name else classes
        try:
            fitted = estimator.fit(np.abs(rows), targets)
        except (ValueError, TypeError, AttributeError, IndexError):
            continue  # learns from something else than a table
        yield name, fitted


def _text_models(room: Room) -> None:
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    texts = ["a model of a language", "models are files", "files hold numbers", "numbers make a language"]
    for vectoriser in (CountVectorizer(), TfidfVectorizer(ngram_range=(1, 2)), HashingVectorizer(n_features=16)):
        name = type(vectoriser).__name__
        nonnegative = {"alternate_sign": False} if name == "HashingVectorizer" else {}
        model = make_pipeline(vectoriser.set_params(**nonnegative), MultinomialNB()).fit(texts, [0, 1, 1, 0])
        joblib.dump(model, room.file(f"sklearn/text-{name}.joblib", "joblib", "scikit-learn"))


def _containers_of_models(room: Room, rows: np.ndarray, classes: np.ndarray) -> None:
    """What people store beside a model: the model in a dictionary, a scorer, a pandas pipeline."""
    import pandas
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import f1_score, make_scorer
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    table = pandas.DataFrame(rows[:, :3], columns=["length", "width", "height"])
    table["colour"] = ["red", "green", "blue"] * 20
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["length", "width"]),
            ("log", FunctionTransformer(np.log1p), ["height"]),
            ("words", OneHotEncoder(), ["colour"]),
        ]
    )
    table["height"] = table["height"].abs()
    forest = RandomForestClassifier(n_estimators=3, random_state=SEED)
    pipeline = Pipeline([("columns", columns), ("forest", forest)]).fit(table, classes)
    search = GridSearchCV(
        pipeline,
        {"forest__max_depth": [1, 2]},
        cv=StratifiedKFold(3, shuffle=True, random_state=np.random.RandomState(SEED)),
        scoring=make_scorer(f1_score, average="macro"),
    ).fit(table, classes)
    whole = {"model": pipeline, "classes": ["no", "yes"], "trained": pandas.Timestamp("2026-01-01"), "columns": table}
    joblib.dump(pipeline, room.file("sklearn/pandas-pipeline.joblib", "joblib", "scikit-learn"))
    for name, thing in (("pandas-search", search), ("bundle", whole), ("list-of-models", [forest, pipeline])):
        file = room.file(f"sklearn/{name}.pkl", "pickle", "scikit-learn")
        file.write_bytes(pickle.dumps(thing))
