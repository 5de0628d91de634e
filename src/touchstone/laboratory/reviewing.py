"""Documents read by people: what was handed in, what a reviewer found in it, and which reviews a judgement counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from touchstone.errors import EvidenceError, UserError
from touchstone.evidence.files import read_regular
from touchstone.records import Profile
from touchstone.signatures.keys import VerifyingKey
from touchstone.standard.applicability import applies
from touchstone.standard.catalog import Standard
from touchstone.standard.reviews import LARGEST_REVIEW, Review, SignedReview, trusted
from touchstone.system.subject import FileRecord, Subject
from touchstone.text import Text

SUFFIX = ".review.json"

State = Literal["missing", "unreviewed", "accepted", "needs-work", "rejected", "expired"]


def read_reviews(folder: Path, keys: Collection[VerifyingKey], subject: Subject) -> list[SignedReview]:
    """The reviews in `folder` (files `*.review.json`), each signed by one of `keys`, each of a document of `subject`.

    Raises `EvidenceError` for the first that is not: a review that silently did not count would be worse.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except OSError:
        raise UserError(
            Text("is no folder that can be read", "不是可读取的文件夹"),
            str(folder),
            Text("name the folder that holds the reviews", "请指定存放评审记录的文件夹"),
        ) from None
    if not paths:
        raise UserError(
            Text(f"holds no review (*{SUFFIX})", f"其中没有评审记录（*{SUFFIX}）"),
            str(folder),
            Text("have documents reviewed with `touchstone review sign`", "请用 `touchstone review sign` 评审文件"),
        )
    return [_read(path, keys, subject) for path in paths]


def _read(path: Path, keys: Collection[VerifyingKey], subject: Subject) -> SignedReview:
    where = str(path)
    signed = SignedReview.from_bytes(read_regular(path, where, largest=LARGEST_REVIEW), where)
    require_reviewable(signed.review, subject, where)
    return trusted(signed, where, keys)


def require_reviewable(review: Review, subject: Subject, where: str) -> None:
    """Raise `EvidenceError` when the review speaks of no document of this system, or the reviewer judges their own."""
    handed_in = {subject.record(document.path).digest for document in subject.description.documents}
    if review.document not in handed_in:
        raise EvidenceError(
            Text(
                f"speaks of a document that is not handed in, or of another version of it: {review.title}",
                f"所评审的文件未提交，或不是当前版本：{review.title}",
            ),
            where,
            Text("have the present version reviewed, or take the review away", "请评审当前版本，或移除该评审记录"),
        )
    if review.organisation.casefold().strip() == subject.description.system.supplier.name.casefold().strip():
        raise EvidenceError(
            Text("is the supplier's judgement on its own document", "是供应方对自己文件的评审"),
            where,
            Text("have it reviewed by somebody who did not produce it", "请由未参与编制的人员评审"),
        )


def require_known(
    subject: Subject, standard: Standard, document: str, controls: Collection[str], kinds: Collection[str]
) -> FileRecord:
    """The file of the document. Raises `UserError` when it, a control or a kind of document is not known."""
    listed = [each.path for each in subject.description.documents]
    if document not in listed:
        raise UserError(
            Text("is not one of the system's documents", "不在系统所列文件之中"),
            document,
            Text(
                f"name one of: {', '.join(listed)}" if listed else "list it under `documents` of the description",
                f"请指定下列之一：{'、'.join(listed)}" if listed else "请先列入系统描述的 `documents`",
            ),
        )
    asked = [kind for control in controls for kind in standard.control(control).documents]
    for kind in kinds:
        if kind not in asked:
            raise UserError(
                Text(f"asks for no document of kind {kind}", f"不要求 {kind} 类文件"),
                ", ".join(controls),
                Text(f"it asks for: {', '.join(asked) or '-'}", f"其要求：{'、'.join(asked) or '—'}"),
            )
    return subject.record(document)


@dataclass(frozen=True, slots=True)
class Asked:
    """One kind of document that one control asks for, and where it stands."""

    control: str
    kind: str
    state: State
    by: str
    """Who said so, or what was handed in."""


def asked_documents(profile: Profile, subject: Subject, reviews: Sequence[SignedReview], day: date) -> Iterator[Asked]:
    """Every kind of document that the profile asks of this system, in its order, with where it stands on `day`."""
    for requirement in profile.requirements:
        if applies(requirement.applies_when, profile.assumed_facts, subject.facts) == "false":
            continue
        titles = [each.title for each in subject.description.documents if requirement.control in each.controls]
        for kind in requirement.evidence:
            read = [
                each.review
                for each in reviews
                if requirement.control in each.review.controls and kind in each.review.kinds
            ]
            standing = [review for review in read if review.stands(day)]
            last = max(standing or read, key=lambda review: review.reviewed, default=None)
            if last is None:
                yield Asked(requirement.control, kind, "unreviewed" if titles else "missing", ", ".join(titles))
            else:
                state: State = last.judgement if standing else "expired"
                yield Asked(requirement.control, kind, state, f"{last.reviewer}, {last.reviewed.isoformat()}")
