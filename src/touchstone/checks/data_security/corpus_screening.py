"""The corpus searched: a part of its rows drawn by lot, and enough rows of every source to judge it by itself."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.data_security.corpus_lexicons import ContentScanner, Topic
from touchstone.checks.named_entries import entries_note
from touchstone.checks.shares import share_metric
from touchstone.records import Budget, Metric, Note
from touchstone.standard.content_lexicons import content_lexicons
from touchstone.standard.content_risks import content_risks
from touchstone.system.data.dataset import LabelledData
from touchstone.text import Text

ROWS = {"quick": 20_000, "standard": 200_000}
"""Least rows that are drawn, where the standard asks for a smaller share; all at full budget."""
ROWS_OF_SOURCE = 200
"""Least rows of every source."""
MOST_SOURCES, MOST_ROWS = 20, 1000
"""That are named: sources as parts of the metric, rows of a topic and sources in the exhibit."""


@dataclass(frozen=True, slots=True)
class Screening:
    """The rows that were searched, in the order in which they were drawn, and the topics found in each."""

    data: LabelledData
    drawn: NDArray[np.int64]
    """The sample of the corpus."""
    by_source: dict[str, NDArray[np.int64]]
    """The sample of each source; empty where the data name none."""
    found: dict[int, tuple[Topic, ...]]
    excused: NDArray[np.int64]
    """Rows with something that would make them unfit, were it not for words of law, news, teaching or warning near."""

    def unfit(self, rows: Sequence[int] | NDArray[np.int64]) -> int:
        """How many of these rows hold what makes them unfit."""
        return sum(self.topics_that_spoil(int(row)) != () for row in rows)

    def topics_that_spoil(self, row: int) -> tuple[str, ...]:
        """Names of the topics that make a row unfit."""
        return tuple(topic.name for topic in self.found.get(row, ()) if topic.unfit)

    def metrics(self) -> Iterator[Metric]:
        """The share of fit rows, and of unfit rows in the worst source; the sources one by one as parts."""
        n, of = len(self.drawn), len(self.data)
        yield share_metric("technical_pass_rate", n - self.unfit(self.drawn), n, "higher", whole=n == of)
        sources, sizes = (
            (self.by_source, Counter(self.data.sites.tolist()))
            if self.data.sites is not None
            else ({"": self.drawn}, Counter({"": of}))
        )
        shares = [
            share_metric(
                "bad_share_per_source",
                self.unfit(rows),
                len(rows),
                "lower",
                part=f"source={source}",
                looks=len(sources),
                whole=len(rows) == sizes[source],
            )
            for source, rows in sources.items()
        ]
        worst_first = sorted(shares, key=lambda share: (-share.value, -share.n, share.slice))
        yield worst_first[0].model_copy(update={"slice": None})
        yield from worst_first[: MOST_SOURCES if self.by_source else 0]

    def notes(self) -> Iterator[Note]:
        """What was found, by risk; what was excused; and that no sources are told apart."""
        risks = content_risks().risks
        counts = Counter(
            risk for row in self.drawn.tolist() for risk in {topic.entry.risk for topic in self.found.get(row, ())}
        )
        if counts:
            listed = [(risks[name].title, count) for name, count in counts.most_common()]
            yield Note(
                code="found-by-risk",
                text=Text(
                    "rows with words of a risk: " + "; ".join(f"{title.en} ({count})" for title, count in listed),
                    "按风险种类的命中行数：" + "；".join(f"{title.zh}（{count}）" for title, count in listed),
                ),
            )
        if len(self.excused):
            yield entries_note(
                "excused-by-context",
                [str(row + 1) for row in self.excused],
                Text(
                    "rows count as fit although they hold words of a risk, because words of law, news, teaching or"
                    " warning stand beside these; read some of them; row",
                    "以下行含风险用语，因邻近有法律、新闻、教学或警示用语而按合格计，请抽读其中若干；行号",
                ),
            )
        if not self.by_source:
            yield Note(
                code="one-source",
                text=Text(
                    "the data name no sources (`site`), so the whole corpus counts as one",
                    "数据未注明来源（`site`），整个语料按单一来源计",
                ),
            )

    def report(self) -> dict[str, Any]:
        """Counts by topic, and which rows to look at; none of their words."""
        topics: dict[str, list[int]] = defaultdict(list)
        for row in sorted(self.found):
            for topic in self.found[row]:
                topics[topic.name].append(row + 1)
        unfit = ((source, self.unfit(rows)) for source, rows in self.by_source.items())
        unfit_first = sorted(unfit, key=lambda each: (-each[1], each[0]))
        return {
            "schema": "touchstone.corpus-content-report/v1",
            "rows_in_corpus": len(self.data),
            "rows_searched": len(set(self.drawn.tolist()).union(*(rows.tolist() for rows in self.by_source.values()))),
            "lexicons": {pack.language: str(pack.as_of) for pack in content_lexicons()},
            "topics": {
                name: {"rows": len(rows), "first_rows": rows[:MOST_ROWS]} for name, rows in sorted(topics.items())
            },
            "excused": {"rows": len(self.excused), "first_rows": (self.excused[:MOST_ROWS] + 1).tolist()},
            "sources": len(self.by_source),
            "sources_with_unfit_rows": [
                {"source": source, "rows_searched": len(self.by_source[source]), "unfit": unfit}
                for source, unfit in unfit_first[:MOST_ROWS]
                if unfit
            ],
        }


def screen(
    data: LabelledData, scanner: ContentScanner, least_share: float, budget: Budget, generator: np.random.Generator
) -> Screening:
    """Draw and search: at least `least_share` of the rows, all at full budget."""
    order = generator.permutation(len(data))
    size = max(math.ceil(least_share * len(data)), ROWS[budget]) if budget in ROWS else len(data)
    drawn = order[:size]
    by_source = {} if data.sites is None else _by_source(data.sites, order, size)
    rows = np.unique(np.concatenate([drawn, *by_source.values()]))
    found: dict[int, list[Topic]] = defaultdict(list)
    excused = np.zeros(len(rows), dtype=bool)
    for hit in scanner.scan(data.inputs[rows].tolist(), excused=True):
        if not hit.excused:
            found[int(rows[hit.text])].append(hit.topic)
        elif hit.topic.unfit:
            excused[hit.text] = True
    topics = {row: tuple(topics) for row, topics in found.items()}
    return Screening(data, drawn, by_source, topics, rows[excused])


def _by_source(sites: NDArray[np.str_], order: NDArray[np.int64], size: int) -> dict[str, NDArray[np.int64]]:
    """Of every source the rows that were drawn anyway, and further ones where these are few."""
    names, source = np.unique(sites[order], return_inverse=True)
    together = np.argsort(source, kind="stable")  # by source, each in the order of the draw
    ends = np.cumsum(np.bincount(source, minlength=len(names)))
    drawn = np.bincount(source[:size], minlength=len(names))
    return {
        str(name): order[together[start : min(end, start + max(int(count), ROWS_OF_SOURCE))]]
        for name, start, end, count in zip(names, [0, *ends[:-1]], ends, drawn, strict=True)
    }
