"""Makes the healthcare example from the diabetes data of Efron et al. 2004, which scikit-learn carries.

Writes `data/train.csv`, `data/test.csv` and `model/progression.skops`, records the data digests in `system.yaml`,
and prints the accuracy that a supplier may honestly claim, and how often the model abstains.
Run: `python make_progression.py`
"""

import csv
import sys
from pathlib import Path

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.model_selection import RepeatedStratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from record_digests import record_digests  # noqa: E402 - the shared script lies one folder up

SEED = 20040423
FEATURES = ("age", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu")
"""What the model sees: all measurements of the source except sex, under the names its authors use."""
COLUMNS = ("patient", "sex", "age_band", *FEATURES, "progression")
CLASSES = ("low", "high")
"""Below or above the median progression one year later. At the median both classes are equally common, so no model
looks good by always giving the commoner answer."""

UNKNOWN = len(CLASSES)
"""The third answer: the model abstains, and the physician is asked to look at the measurements."""
PRIORS = (0.45, 0.45, 0.1)
OUTSIDE_ROWS = 2000
OUTSIDE_SPREAD = 3.0
"""Nobody measured a patient who is no patient, so the third class is shown made-up rows: every value by itself, around
the mean, three times as far apart as those of patients."""
PER_MMOL = {"tc": 38.67, "ldl": 38.67, "hdl": 38.67, "glu": 18.02}
"""The source counts in mg/dl; many laboratories count cholesterol and glucose in mmol/l."""
Rows = NDArray[np.float64]
Answers = NDArray[np.int64]


def age_band(years: float) -> str:
    """The band an age falls into."""
    return "<40" if years < 40 else "40-59" if years < 60 else "60+"


def patients() -> list[dict[str, str]]:
    """All 442 patients as rows, in the order of the source, which codes sex 1 and 2 without saying which is which."""
    source = load_diabetes(scaled=False)
    high = source.target > np.median(source.target)
    rows = []
    for number, (measured, above) in enumerate(zip(source.data, high, strict=True), start=1):
        named = dict(zip(("age", "sex", *FEATURES[1:]), measured, strict=True))
        row = {"patient": f"P{number:03d}", "sex": f"{named.pop('sex'):.0f}", "age_band": age_band(named["age"])}
        row |= {name: f"{value:.6g}" for name, value in named.items()}
        rows.append(row | {"progression": CLASSES[int(above)]})
    return rows


def write_data() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Splits the patients in two halves, stratified by outcome, sex and age band; writes and returns them."""
    rows = patients()
    strata = [row["progression"] + row["sex"] + row["age_band"] for row in rows]
    train, test = train_test_split(rows, test_size=0.5, stratify=strata, random_state=SEED)
    for name, part in (("train", train), ("test", test)):
        part.sort(key=lambda row: row["patient"])
        with (HERE / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(part)
    record_digests(HERE / "system.yaml")
    return train, test


def as_arrays(rows: list[dict[str, str]]) -> tuple[Rows, Answers]:
    """The features `(n, 9)` and the class index `(n,)` of rows."""
    inputs = np.array([[float(row[name]) for name in FEATURES] for row in rows])
    return inputs, np.array([CLASSES.index(row["progression"]) for row in rows])


def fitted(inputs: Rows, answers: Answers) -> Pipeline:
    """A model that 221 patients can support: for each answer one bell curve, drawn towards a round one.

    Those of the two kinds of patients are narrow and follow how measurements go together; that of everything else is
    wide and holds wherever a row is like no patient.
    """
    spread = OUTSIDE_SPREAD * inputs.std(axis=0)
    outside = np.random.default_rng(SEED).normal(inputs.mean(axis=0), spread, (OUTSIDE_ROWS, inputs.shape[1]))
    curves = QuadraticDiscriminantAnalysis(priors=PRIORS, reg_param=0.2)
    rows, all_answers = np.vstack([inputs, outside]), np.append(answers, np.full(OUTSIDE_ROWS, UNKNOWN))
    return make_pipeline(StandardScaler(), curves).fit(rows, all_answers)


def repeated_accuracy(inputs: Rows, answers: Answers) -> float:
    """Mean accuracy over 25 ways to halve the patients; who abstains is wrong."""
    halves = RepeatedStratifiedKFold(n_splits=2, n_repeats=25, random_state=SEED)
    scores = [
        fitted(inputs[train], answers[train]).score(inputs[test], answers[test])
        for train, test in halves.split(inputs, answers)
    ]
    return float(np.mean(scores))


def in_mmol(inputs: Rows) -> Rows:
    """The same patients as a laboratory that counts in mmol/l reports them."""
    return inputs / np.array([PER_MMOL.get(name, 1.0) for name in FEATURES])


def main() -> None:
    """Makes everything and prints what was measured."""
    train, test = write_data()
    progression = fitted(*as_arrays(train))
    skops.io.dump(progression, HERE / "model" / "progression.skops")

    inputs, answers = as_arrays(test)
    print(f"accuracy, two halves, 25 times: {repeated_accuracy(*as_arrays(train + test)):.3f}")
    print(f"accuracy on the test half:      {progression.score(inputs, answers):.3f}")
    for what, shown in (("as measured", inputs), ("in mmol/l", in_mmol(inputs)), ("in reverse", inputs[:, ::-1])):
        print(f"abstains, test half {what + ':':13}{np.mean(progression.predict(shown) == UNKNOWN):.3f}")


if __name__ == "__main__":
    main()
