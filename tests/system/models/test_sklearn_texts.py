from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from tests.system.made import describe, make
from touchstone.errors import ArtifactError
from touchstone.system.models.handle import Capability, ModelHandle
from touchstone.system.models.opening import open_model

TEXTS = ["good day", "bad day", "质量不错", "质量太差"] * 5
Y = np.array([1, 0, 1, 0] * 5)
ASKED = np.array(TEXTS[:4], dtype=object)


def opened(folder: Path, estimator: Any, **changes: Any) -> ModelHandle:
    settings = {"kind": "text", "format_": "skops", "file": "m.skops", **changes}
    return open_model(make(folder, describe(**settings), {"m.skops": bytes(skops.io.dumps(estimator))}))


@pytest.mark.parametrize(
    "pipeline",
    [
        make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), LogisticRegression()),
        make_pipeline(CountVectorizer(analyzer="char_wb"), ComplementNB()),
        make_pipeline(HashingVectorizer(n_features=256), SGDClassifier(loss="log_loss", random_state=0)),
        make_pipeline(
            make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char")), CalibratedClassifierCV(LinearSVC(), cv=2)
        ),
    ],
)
def test_pipelines_answer_texts(tmp_path: Path, pipeline: Any) -> None:
    pipeline.fit(TEXTS, Y)
    model = opened(tmp_path, pipeline)
    assert np.allclose(model.probabilities(ASKED), pipeline.predict_proba(TEXTS[:4]))
    assert model.labels(ASKED).tolist() == pipeline.predict(TEXTS[:4]).tolist()
    assert model.queries == 8
    assert Capability.ANY_INPUT in model.capabilities


def test_labels_only(tmp_path: Path) -> None:
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char"), LinearSVC()).fit(TEXTS, Y)
    model = opened(tmp_path, pipeline, output="labels")
    assert model.labels(ASKED).tolist() == [1, 0, 1, 0]


def test_a_model_of_numbers_is_refused(tmp_path: Path) -> None:
    numbers = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ArtifactError, match="fitted on 4 numbers"):
        opened(tmp_path, numbers)


@pytest.mark.parametrize("column", [-1, 10**9, 0.5, "0"])
def test_a_forged_vocabulary_is_refused(tmp_path: Path, column: Any) -> None:
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, Y)
    pipeline[0].vocabulary_["good"] = column
    with pytest.raises(ArtifactError, match="points outside itself"):
        opened(tmp_path, pipeline)


@pytest.mark.parametrize("source", ["filename", "file"])
def test_a_vectoriser_that_opens_files_is_refused(tmp_path: Path, source: str) -> None:
    pipeline = make_pipeline(make_union(TfidfVectorizer(analyzer="char")), LogisticRegression()).fit(TEXTS, Y)
    pipeline[0].transformer_list[0][1].set_params(input=source)
    with pytest.raises(ArtifactError, match="opens files"):
        opened(tmp_path, pipeline)


def test_a_function_as_analyser_is_refused(tmp_path: Path) -> None:
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, Y)
    pipeline[0].set_params(analyzer=opened)
    with pytest.raises(ArtifactError, match="not known to be safe"):
        opened(tmp_path, pipeline)
