"""Evidence as it is handed over: one file that carries the bundle and everything that was signed about it.

In an output folder, statements and receipts lie beside the bundle, each once. Packing attaches them to the evidence
in the archive; unpacking puts them back where they lay. The evidence digest is the same in both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from touchstone.errors import EvidenceError
from touchstone.evidence.archives import archive_of
from touchstone.evidence.bundle import LARGEST_ATTACHMENT, Bundle, listing_files, write_new_folder
from touchstone.evidence.files import read_regular, write_durably
from touchstone.evidence.image import LONGEST_NAME, NAME_PATTERN, Attachment
from touchstone.evidence.layout import (
    CHECKPOINT,
    EVIDENCE_FOLDER,
    EVIDENCE_ZIP,
    RECEIPTS,
    RECOGNITIONS,
    REPLICATIONS,
    STATUS_FOLDER,
)
from touchstone.text import Text

_FOLDERS = (RECEIPTS, STATUS_FOLDER, REPLICATIONS, RECOGNITIONS)
_KINDS = {
    # ending: media type and artifact type
    ".sigstore.json": ("application/vnd.dev.sigstore.bundle.v0.3+json",) * 2,
    ".dsse.json": ("application/vnd.dsse.envelope.v1+json",) * 2,
    ".tsr": ("application/timestamp-reply",) * 2,
    ".json": ("application/json", "application/vnd.touchstone.statement.v1+json"),
    "": ("text/plain", "application/vnd.touchstone.receipt.v1+text"),
}


def beside(folder: Path) -> dict[str, bytes]:
    """Signed statements, receipts and the checkpoint in an output folder, by their paths in it.

    Raises `EvidenceError` when one of them is not a regular file, is too large, or has a name that no bundle takes.
    """
    paths = [path for part in _FOLDERS for path in (folder / part).rglob("*") if not path.is_dir()]
    paths += [path for path in folder.glob("*") if _belongs(path.name)]
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    for name in names:
        if not re.fullmatch(NAME_PATTERN, name) or len(name) > LONGEST_NAME:
            raise EvidenceError(Text("has a name that no bundle takes", "名称不符合证据包的要求"), name)
    return {name: read_regular(folder / name, name, largest=LARGEST_ATTACHMENT) for name in names}


def with_attached(bundle: Bundle, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of `bundle` with these files attached, each in place of an attachment of the same name.

    Raises `EvidenceError` when the bundle has a problem.
    """
    evidence = bundle.manifest.descriptor
    kept = [attachment for attachment in bundle.attachments if attachment.name not in contents]
    added = [Attachment.of(evidence, name, *_kind(name, content)) for name, content in contents.items()]
    return _relisted(bundle, [*kept, *added]) | {
        attachment.content.blob: contents[attachment.name] for attachment in added
    }


def write_files(files: Mapping[str, bytes], output: Path) -> None:
    """Write a bundle's files as the form that the name of `output` asks for: `.zip`, `.tar`, or a folder.

    Raises `EvidenceError` when `output` exists.
    """
    if output.suffix not in (".zip", ".tar"):
        write_new_folder(output, files)
        return
    if os.path.lexists(output):
        raise EvidenceError(Text("exists already", "已存在"), str(output))
    write_durably(output, archive_of(files, "zip" if output.suffix == ".zip" else "tar"))


def unpack(bundle: Bundle, folder: Path) -> None:
    """Write the output folder that a packed bundle was made from: the evidence, and what was signed beside it.

    Attachments that do not belong beside the evidence stay attached. Raises `EvidenceError` when `folder` exists,
    the bundle has a problem, or two attachments cannot lie side by side.
    """
    out = [attachment for attachment in bundle.attachments if _belongs(attachment.name)]
    contents = {attachment.name: bundle.read_attached(attachment) for attachment in out}
    if len(contents) != len(out):
        raise EvidenceError(Text("holds two attachments of the same name", "含有同名附件"), bundle.manifest_file)
    for name in contents:
        if any(other.startswith(f"{name}/") for other in contents):
            raise EvidenceError(
                Text(f"holds {name} as a file and a folder", f"{name} 既为文件又为文件夹"), bundle.manifest_file
            )
    files = _relisted(bundle, [attachment for attachment in bundle.attachments if attachment not in out])
    write_new_folder(folder, {f"{EVIDENCE_FOLDER}/{path}": content for path, content in files.items()} | contents)


@contextmanager
def laid_out(path: Path) -> Iterator[Path]:
    """Where to verify what lies at `path`: the output folder inside, for as long as it is needed, when `path` is a
    sound archive that carries statements; otherwise `path` itself.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "out"
        if path.suffix in (".zip", ".tar") and path.is_file():
            with suppress(EvidenceError):  # what is not sound is verified as it is, so that its faults are named
                bundle = Bundle.open(path)
                if any(attachment.name.endswith(".dsse.json") for attachment in bundle.attachments):
                    unpack(bundle, folder)
        yield folder if folder.exists() else path


def is_output_folder(path: Path) -> bool:
    """Whether evidence lies in this folder, so that statements may lie beside it."""
    return any((path / name).exists() for name in (EVIDENCE_FOLDER, EVIDENCE_ZIP))


def _belongs(name: str) -> bool:
    """Whether a file of this path lies beside the evidence of an output folder."""
    first, _, rest = name.partition("/")
    return first in _FOLDERS if rest else name.endswith(".dsse.json") or name == CHECKPOINT


def _kind(name: str, content: bytes) -> tuple[str, bytes, str]:
    media_type, artifact_type = next(kind for ending, kind in _KINDS.items() if name.endswith(ending))
    return media_type, content, artifact_type


def _relisted(bundle: Bundle, attachments: list[Attachment]) -> dict[str, bytes]:
    """The files of `bundle` with other attachments; the content of new ones is for the caller to add."""
    gone = [attachment for attachment in bundle.attachments if attachment not in attachments]
    dropped = {attachment.blob for attachment in gone} | {attachment.content.blob for attachment in gone}
    dropped -= {entry.blob for entry in bundle.entries} | {attachment.content.blob for attachment in attachments}
    files = {path: content for path, content in bundle.files().items() if path not in dropped}
    return files | listing_files(bundle.manifest, attachments)
