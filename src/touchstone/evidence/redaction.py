"""Copies of a bundle that go without what is restricted, with the same evidence digest.

The laboratory says which entries are restricted when it signs the evidence manifest; only those may be withheld, and
what is withheld is declared in the copy (a *redaction* attached to the evidence). A blob that is absent without
both is missing, and whoever verifies refuses the copy.
"""

from __future__ import annotations

from collections.abc import Collection

from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle, listing_files
from touchstone.evidence.image import REDACTION_TYPE, Attachment, Entry, Redaction, Withheld
from touchstone.text import Text

REDACTION = "redaction.json"
REDACTION_MEDIA_TYPE = "application/vnd.touchstone.redaction.v1+json"


def redacted(bundle: Bundle, withhold: Collection[str]) -> dict[str, bytes]:
    """The files of a copy of `bundle` that goes without the entries of these names or roles.

    Raises `EvidenceError` when a name or role means nothing, when an entry is not restricted, or when the bundle
    has a problem.
    """
    going = {entry.name: entry for entry in (*bundle.withheld, *_chosen(bundle, withhold))}
    _require_unshared(bundle, going)
    redaction = Redaction(withheld=tuple(Withheld(name=name, digest=going[name].digest) for name in sorted(going)))
    content = redaction.to_bytes()
    attachment = Attachment.of(bundle.manifest.descriptor, REDACTION, REDACTION_MEDIA_TYPE, content, REDACTION_TYPE)
    dropped = [old for old in bundle.attachments if old.artifact_type == REDACTION_TYPE]
    kept = [old for old in bundle.attachments if old not in dropped]
    gone = {entry.blob for entry in going.values()} | {old.content.blob for old in dropped}
    files = {path: data for path, data in bundle.files().items() if path not in gone}
    for old in dropped:
        files.pop(old.blob)
    return files | {attachment.content.blob: content} | listing_files(bundle.manifest, [*kept, attachment])


def _chosen(bundle: Bundle, withhold: Collection[str]) -> list[Entry]:
    """The entries meant: one by its name, or all restricted ones of a role."""
    restricted = [entry for entry in bundle.entries if entry.disclosure == "restricted"]
    names = [entry.name for entry in restricted]
    remedy = Text(f"restricted are: {', '.join(names) or 'none'}", f"受限条目：{'、'.join(names) or '无'}")
    chosen = []
    for wanted in withhold:
        found = [entry for entry in restricted if wanted in (entry.name, entry.role)]
        if not found and any(wanted in (entry.name, entry.role) for entry in bundle.entries):
            text = Text("is public: without it the evidence would not verify", "为公开内容：缺少它则证据无法通过验证")
            raise EvidenceError(text, wanted, remedy)
        if not found:
            raise EvidenceError(
                Text("is neither an entry nor a role of this bundle", "不是该证据包的条目或角色"), wanted, remedy
            )
        chosen += found
    return chosen


def _require_unshared(bundle: Bundle, going: Collection[str]) -> None:
    """A blob that something else rests on cannot go: it would not be withheld at all."""
    staying = {entry.digest: entry.name for entry in bundle.entries if entry.name not in going}
    staying |= {attachment.content.digest: attachment.name for attachment in bundle.attachments}
    for name in sorted(going):
        other = staying.get(bundle.entry(name).digest)
        if other is not None:
            raise EvidenceError(
                Text(f"has the same content as {other}, which stays", f"与保留的 {other} 内容相同"), name
            )
