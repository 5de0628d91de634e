"""The reviewers' half of the judge: what documents, and what people found in them, say about one control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from touchstone.records import Limit, Metric, Note
from touchstone.standard import wording
from touchstone.standard.reviews import Judgement, Review
from touchstone.text import Text

ATTESTED: Final = "attested"
"""Reason code of a control that passes by what a reviewer found in documents, with no test."""
BY_REVIEWERS: Final = frozenset({ATTESTED, "attested-value-misses-limit", "document-rejected"})
"""Reason codes of controls that were judged by reviewers, whether they pass or not."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The documents of one control and the reviews of them that stand."""

    kinds: tuple[str, ...]
    """Kinds of documents that the control asks for."""
    titles: Mapping[str, Text]
    """Title of each kind of document."""
    documents: int
    """How many were handed in."""
    reviews: tuple[Review, ...]

    def judged(self, judgement: Judgement) -> list[Review]:
        """The reviews that came to this judgement."""
        return [review for review in self.reviews if review.judgement == judgement]

    @property
    def unaccepted(self) -> list[str]:
        """Kinds of documents asked for of which none was accepted."""
        accepted = {kind for review in self.judged("accepted") for kind in review.kinds}
        return [kind for kind in self.kinds if kind not in accepted]

    @property
    def suffices(self) -> bool:
        """Whether reviewers accepted something, and nothing that is asked for is missing."""
        return bool(self.judged("accepted")) and not self.unaccepted

    def stated(self, limits: Sequence[Limit]) -> dict[str, Metric]:
        """What the accepted documents show, as reviewers read it. Of two figures for one thing the worse counts."""
        stated: dict[str, Metric] = {}
        for limit in limits:
            read = [review.values[limit.metric] for review in self.judged("accepted") if limit.metric in review.values]
            if read:
                value = max(read) if limit.op == "<=" else min(read)
                stated[limit.metric] = Metric(
                    id=limit.metric,
                    unit=limit.unit,
                    value=value,
                    low=value,
                    high=value,
                    method="attested",
                    n=len(read),
                    better="lower" if limit.op == "<=" else "higher",
                )
        return stated

    def attested(self) -> Note:
        """By whom, and on what."""
        reviewers = sorted({f"{review.reviewer} ({review.organisation})" for review in self.judged("accepted")})
        titles = sorted({review.title for review in self.judged("accepted")})
        return Note(
            code=ATTESTED,
            text=Text(
                f"not tested; attested by {', '.join(reviewers)} on reading: {', '.join(titles)}",
                f"未经测试；由{'、'.join(reviewers)}审阅以下文件后证明：{'、'.join(titles)}",
            ),
        )

    def without_value(self, metrics: Sequence[Text]) -> Note:
        """Accepted documents that leave open what they show of the metrics, given by their titles."""
        names = wording.listed(metrics)
        text = Text(
            f"the documents are accepted, but no reviewer states what they show of: {names.en}",
            f"文件已被接受，但评审人未给出下列指标的数值：{names.zh}",
        )
        return Note(code="attested-without-value", text=text)

    def unreviewed(self) -> tuple[Note, Text]:
        """Why the documents do not carry the control yet, and what to do."""
        asked = self.asked()
        remedy = Text(f"the control asks for: {asked.en}", f"该控制项要求提交：{asked.zh}")
        if wanting := self.judged("needs-work"):
            return objections(wanting)
        if self.judged("accepted") and self.unaccepted:
            missing = self.asked(self.unaccepted)
            text = Text(f"no accepted document serves as {missing.en}", f"尚无已接受的文件可充当：{missing.zh}")
            return Note(code="documents-incomplete", text=text), remedy
        if not self.documents:
            text = Text("the limits are met, but the documents asked for are missing", "限值已满足，但缺少所要求的文件")
            return Note(code="documents-missing", text=text), remedy
        text = Text(
            "1 document was handed in and awaits a reviewer who did not write it"
            if self.documents == 1
            else f"{self.documents} documents were handed in and await a reviewer who did not write them",
            f"已提交 {self.documents} 份文件，待未参与编制的评审人评审",
        )
        return Note(code="documents-unreviewed", text=text), remedy

    def asked(self, kinds: Sequence[str] | None = None) -> Text:
        """Titles of kinds of documents, by default of all that are asked for."""
        titles = [self.titles.get(kind, Text(kind, kind)) for kind in (self.kinds if kinds is None else kinds)]
        return Text(", ".join(title.en for title in titles), "、".join(title.zh for title in titles))


def objections(reviews: Sequence[Review]) -> tuple[Note, Text]:
    """What reviewers object to, in their own words, and what to do about it."""
    rejected = reviews[0].judgement == "rejected"
    said = Text(
        "; ".join(f"{review.title} ({review.reviewer}): “{review.reason}”" for review in reviews),
        "；".join(f"{review.title}（{review.reviewer}）：“{review.reason}”" for review in reviews),
    )
    what = (
        Text("a reviewer rejected", "评审人不接受") if rejected else Text("a reviewer asks for more", "评审人要求补充")
    )
    return (
        Note(
            code="document-rejected" if rejected else "document-needs-work",
            text=Text(f"{what.en}: {said.en}", f"{what.zh}：{said.zh}"),
        ),
        Text("mend the document and have it reviewed again", "修改文件后重新提交评审"),
    )
