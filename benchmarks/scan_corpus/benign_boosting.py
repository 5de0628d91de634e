"""XGBoost, LightGBM and CatBoost: their own formats, and pickles of their wrappers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
from benign_room import SEED, Room


def make(room: Room) -> None:
    """Small models of each library. A library that is missing makes the whole maker absent."""
    random = np.random.default_rng(SEED)
    rows = random.standard_normal((80, 5))
    classes = (rows[:, 0] + rows[:, 1] > 0).astype(int)
    _xgboost(room, rows, classes)
    _lightgbm(room, rows, classes)
    _catboost(room, rows, classes)


def _store(room: Room, path: str, library: str, thing: Any, dump: Callable[..., Any] = pickle.dump) -> None:
    kind = "joblib" if dump is joblib.dump else "pickle"
    with room.file(path, kind, library).open("wb") as file:
        dump(thing, file)


def _xgboost(room: Room, rows: np.ndarray, classes: np.ndarray) -> None:
    import xgboost

    small = {"n_estimators": 4, "max_depth": 2, "random_state": SEED, "n_jobs": 1}
    models = {
        "classifier": xgboost.XGBClassifier(**small).fit(rows, classes),
        "regressor": xgboost.XGBRegressor(**small).fit(rows, rows[:, 0]),
        "linear": xgboost.XGBRegressor(booster="gblinear", n_estimators=4).fit(rows, rows[:, 0]),
        "dart": xgboost.XGBClassifier(booster="dart", **small).fit(rows, classes),
        "multiclass": xgboost.XGBClassifier(**small).fit(rows, np.digitize(rows[:, 0], [-0.5, 0.5])),
        "forest": xgboost.XGBRFClassifier(**small).fit(rows, classes),
        "ranker": xgboost.XGBRanker(**small).fit(rows, classes, qid=np.repeat([0, 1], 40)),
    }
    for name, model in models.items():
        model.save_model(room.file(f"xgboost/{name}.json", "xgboost-json", "xgboost"))
        model.save_model(room.file(f"xgboost/{name}.ubj", "ubjson", "xgboost"))
        _store(room, f"xgboost/{name}.pkl", "xgboost", model)
    _store(room, "xgboost/classifier.joblib", "xgboost", models["classifier"], joblib.dump)
    _store(room, "xgboost/booster.pkl", "xgboost", models["classifier"].get_booster())
    room.file("xgboost/dump.txt", "text", "xgboost").write_text(
        "".join(models["classifier"].get_booster().get_dump()), encoding="utf-8"
    )


def _lightgbm(room: Room, rows: np.ndarray, classes: np.ndarray) -> None:
    import lightgbm

    small = {"n_estimators": 4, "num_leaves": 4, "random_state": SEED, "n_jobs": 1, "verbosity": -1}
    models = {
        "classifier": lightgbm.LGBMClassifier(**small).fit(rows, classes),
        "regressor": lightgbm.LGBMRegressor(**small).fit(rows, rows[:, 0]),
        "ranker": lightgbm.LGBMRanker(**small).fit(rows, classes, group=[40, 40]),
        "multiclass": lightgbm.LGBMClassifier(**small).fit(rows, np.digitize(rows[:, 0], [-0.5, 0.5])),
    }
    for name, model in models.items():
        model.booster_.save_model(room.file(f"lightgbm/{name}.txt", "lightgbm", "lightgbm"))
        _store(room, f"lightgbm/{name}.pkl", "lightgbm", model)
    _store(room, "lightgbm/classifier.joblib", "lightgbm", models["classifier"], joblib.dump)
    _store(room, "lightgbm/booster.pkl", "lightgbm", models["regressor"].booster_)


def _catboost(room: Room, rows: np.ndarray, classes: np.ndarray) -> None:
    import catboost

    small = {"iterations": 4, "depth": 2, "random_seed": SEED, "verbose": False, "allow_writing_files": False}
    models = {
        "classifier": catboost.CatBoostClassifier(**small).fit(rows, classes),
        "regressor": catboost.CatBoostRegressor(**small).fit(rows, rows[:, 0]),
        "ranker": catboost.CatBoostRanker(**small).fit(rows, classes, group_id=np.repeat([0, 1], 40)),
    }
    for name, model in models.items():
        model.save_model(str(room.file(f"catboost/{name}.cbm", "catboost", "catboost")))
        model.save_model(str(room.file(f"catboost/{name}.json", "json", "catboost")), format="json")
        _store(room, f"catboost/{name}.pkl", "catboost", model)
    words = np.where(rows[:, 0] > 0, "red", "blue").reshape(-1, 1).astype(object)
    table = np.hstack([rows.astype(object), words])
    categories = catboost.CatBoostClassifier(**small).fit(table, classes, cat_features=[5])
    categories.save_model(str(room.file("catboost/categories.cbm", "catboost", "catboost")))
    _store(room, "catboost/classifier.joblib", "catboost", models["classifier"], joblib.dump)
