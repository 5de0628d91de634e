"""Small real systems that classify texts: complaint or not, English and Chinese, made from harmless templates."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.system.made import data_set, describe, make
from touchstone.methods.attacks.text import FAMILIES
from touchstone.methods.attacks.text.changes import applied
from touchstone.methods.attacks.text.families import changes_of
from touchstone.methods.attacks.text.segments import units
from touchstone.system.subject import Subject

OPENINGS = {
    "en": [
        "I bought a lamp here last week",
        "We ordered two chairs online",
        "The parcel came on 3rd May",
        "My order was 1702",
    ],
    "zh": ["上周在这里买了一盏灯", "给妈妈订了一双鞋", "包裹是5月3日到的", "昨天下的单"],
}
GOOD = {
    "en": ["delivery was fast", "the quality is lovely", "staff were friendly", "it works perfectly", "great value"],
    "zh": ["物流很快", "质量不错", "客服热情", "用着很满意", "值得推荐"],
}
BAD = {
    "en": ["it arrived broken", "nobody answers the phone", "I want a refund", "staff were rude", "a waste of money"],
    "zh": ["收到就坏了", "电话没人接", "我要退款", "客服态度差", "质量垃圾"],
}
JOINT = {"en": ", ", "zh": "，"}
END = {"en": ["", " thanks", " see you", " that is all"], "zh": ["", "，谢谢", "，就这样", "，先说到这里"]}


def corpus(n: int, seed: int, languages: Sequence[str] = ("en", "zh")) -> tuple[list[str], np.ndarray]:
    """Texts, and 1 for complaints."""
    generator = np.random.default_rng(seed)
    y = generator.integers(2, size=n)
    texts = []
    for label in y:
        language = str(generator.choice(languages))
        parts = [OPENINGS[language], (GOOD, BAD)[label][language]]
        texts.append(
            JOINT[language].join(str(generator.choice(part)) for part in parts) + str(generator.choice(END[language]))
        )
    return texts, y


def perturbed(texts: Sequence[str], seed: int, share: float = 0.5) -> list[str]:
    """Copies of the texts with random perturbations of every family: what a careful supplier trains on as well."""
    generator = np.random.default_rng(seed)
    copies = []
    for text in texts:
        found = units(text)
        options = [changes_of(text, found, place, tuple(FAMILIES), generator) for place in range(len(found))]
        chosen = [each[generator.integers(len(each))] for each in options if each and generator.random() < share]
        copies.append(applied(text, chosen))
    return copies


def words() -> Any:
    """A model of words and single characters: any change of a word hides it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(token_pattern=r"[a-zA-Z']+|[\u4e00-\u9fff]{1,2}"), LogisticRegression(C=10))


def characters() -> Any:
    """A model of one to three characters in a row."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), LogisticRegression(C=10))


def text_system(
    folder: Path,
    pipeline: Callable[[], Any] = words,
    *,
    hardened: bool = False,
    n: int = 120,
    output: str = "probabilities",
    truth: Callable[[np.ndarray], np.ndarray] = lambda y: y,
    texts: Sequence[str] | None = None,
    personal: bool = False,
    **rest: Any,
) -> Subject:
    """A trained pipeline with training and test texts."""
    import skops.io

    train, train_y = corpus(400, 1)
    fit_on, fit_y = train, train_y
    if hardened:
        copies = [perturbed(train, seed) for seed in range(4)]
        fit_on, fit_y = [*train, *(text for copy in copies for text in copy)], np.tile(train_y, 5)
    model = pipeline().fit(fit_on, fit_y)
    test, test_y = corpus(n, 2)
    test = test if texts is None else [*texts]
    sex = np.where(np.arange(len(test)) % 2, "f", "m")

    def lines(written: Sequence[str], y: np.ndarray) -> bytes:
        rows = [
            {"text": t, "label": int(c), "sex": str(s)}
            for t, c, s in zip(written, y, np.resize(sex, len(y)), strict=True)
        ]
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()

    def declared(path: str) -> dict[str, Any]:
        return data_set(path, "jsonl", features="text", target="label", sensitive=["sex"])

    description = describe(
        kind="text",
        labels=["fine", "complaint"],
        output=output,
        format_="skops",
        file="model.skops",
        data={"train": declared("train.jsonl"), "test": declared("test.jsonl")},
        **rest,
    )
    description["facts"] = {"data.personal": personal}
    description["model"]["output"]["positive"] = "complaint"
    files = {
        "model.skops": bytes(skops.io.dumps(model)),
        "train.jsonl": lines(train, train_y),
        "test.jsonl": lines(test, truth(test_y[: len(test)])),
    }
    return make(folder, description, files)
