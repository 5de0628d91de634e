"""A log as a web site that any plain server can host: what was tested, what came of it, and how to check that.

Everything follows from the log and the statements kept beside it, so the same log always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError, UserError
from touchstone.evidence.certificate import Certificate, Refusal, has_own_number, instant
from touchstone.evidence.disclosed import Disclosed, attempts, decision_in, read_disclosed
from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope, open_envelope
from touchstone.evidence.files import read_regular, write_durably
from touchstone.evidence.layout import (
    CHECKPOINT,
    KEPT_STATEMENTS,
    LaterStatement,
    StatementName,
    cose_of,
    kept_file,
    receipt_of,
    sigstore_of,
    timestamp_of,
)
from touchstone.evidence.leaf import named_by, signer_of
from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.status import (
    STANDINGS,
    CertificateLife,
    ListedNonGood,
    Standing,
    StatusChange,
    StatusList,
    status_statement,
)
from touchstone.records import Plan
from touchstone.report import words
from touchstone.report.html import templates
from touchstone.text import Language, Text
from touchstone.tlog.log import TILES, Log

STATUS_LIST = "status-list.dsse.json"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
_LARGEST_TILE = 256 * (2**16 + 1)
_BESIDE = (timestamp_of, sigstore_of, cose_of)
"""What an output folder may hold about a statement besides what the log itself gives."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a certificate's status, and the file that states it."""

    change: StatusChange
    file: str


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """A certificate or refusal as its page shows it."""

    index: int
    digest: Digest
    signer: Digest
    predicate: Certificate | Refusal
    changes: tuple[Change, ...]
    life: CertificateLife | None
    """Where a certificate stands after the changes; `None` for a refusal."""
    orderly: bool
    """Whether each change follows from the one before it."""
    files: tuple[str, ...]

    def page(self, language: Language) -> str:
        """Path of the page on the site."""
        return f"decisions/{_page(self.digest.removeprefix('sha256:'), language)}"

    @property
    def standing(self) -> Text:
        """In a few words, what the decision is worth."""
        if self.life is None:
            return Text("refused", "已拒绝")
        return STANDINGS[self.life.standing] if self.orderly else Text("in doubt", "存疑")

    @property
    def tone(self) -> str:
        """The colour of that, by the name of a verdict."""
        if self.life is None or self.life.standing in ("withdrawn", "superseded") or not self.orderly:
            return "fail"
        return "pass" if self.life.standing == "good" else "inconclusive"


@dataclass(frozen=True, slots=True)
class UnreportedPlan:
    """A plan without an assessment, and the file that states it."""

    index: int
    plan: Plan
    file: str


@dataclass(frozen=True, slots=True)
class SystemSection:
    """A system with everything the log says about it."""

    name: str
    digest: Digest
    plans: int
    unreported: tuple[UnreportedPlan, ...]
    decisions: tuple[DecisionPage, ...]

    @property
    def reported(self) -> int:
        """How many of the plans have an assessment that was published."""
        return self.plans - len(self.unreported)


def publish(folder: Path, site: Path, *, outputs: Sequence[Path] = (), status: Path | None = None) -> int:
    """Write the log in `folder` as a site to `site` and return how many decisions it shows.

    `outputs` are output folders whose timestamps and further receipts are published too, `status` the issuer's
    snapshot of its certificates. Raises `EvidenceError` when `site` holds anything but an earlier state of this log,
    or one of the others is not about this log.
    """
    with log_errors():
        log = Log.open(folder)
        entries = list(log.entries())
        _require_room(site, log)
    disclosed = read_disclosed(folder, entries)
    listed = None if status is None else _status_list(status, entries)
    beside = _beside(outputs, {each.digest for each in disclosed})
    _write_statements(folder, site, log, disclosed, beside)
    if listed is not None:
        _write(site / STATUS_LIST, listed[1])
    decisions = [_decision(each, predicate, disclosed, beside) for each, predicate in _decisions(disclosed)]
    _write_pages(site, log, len(entries) - len(disclosed), _systems(disclosed, decisions), listed and listed[0])
    _copy_tiles(folder / TILES, site / TILES)
    _write(site / CHECKPOINT, log.note.to_bytes())  # the last thing readers see is what names all the rest
    return len(decisions)


def _require_room(site: Path, log: Log) -> None:
    if site.exists() and (not site.is_dir() or any(site.iterdir())):
        earlier = Log.open(site) if (site / CHECKPOINT).is_file() else None
        if earlier is None or not log.extends(earlier.checkpoint):
            raise EvidenceError(
                Text("holds something else than an earlier state of this log", "其中不是本日志的早先状态"),
                str(site),
                Text("choose another --output", "请用 --output 指定其他目录"),
            )


def _status_list(path: Path, entries: Sequence[bytes]) -> tuple[StatusList, bytes]:
    """The snapshot and its bytes, once it is signed by somebody who signed what is on the log."""
    data = read_regular(path, str(path), largest=LARGEST_ENVELOPE)
    keyid = Envelope.from_bytes(data, str(path)).keyid
    entry = next((entry for entry in entries if named_by(entry, str(path))[1] == keyid), None)
    if entry is None:
        raise EvidenceError(Text("is signed by nobody who is on the log", "签名者未出现在日志上"), str(path))
    signed = open_envelope(data, str(path), signer_of(entry, str(path)))
    if signed.predicate_type != LaterStatement.STATUS_LIST.predicate_type:
        raise EvidenceError(Text("is not a snapshot of certificates", "不是证书状态快照"), str(path))
    return StatusList.from_json(signed.predicate, str(path)), data


def _beside(outputs: Sequence[Path], known: set[Digest]) -> dict[Digest, dict[str, bytes]]:
    """By statement: what the output folders hold about it, by the path that it gets on the site."""
    found: dict[Digest, dict[str, bytes]] = {}
    for out in outputs:
        digests = {
            path: digest_of(read_regular(path, str(path), largest=LARGEST_ENVELOPE))
            for path in sorted(chain(out.glob("*.dsse.json"), out.glob("status/*.dsse.json")))
        }
        if not known.intersection(digests.values()):
            raise EvidenceError(Text("holds no statement that is on this log", "其中没有本日志所列的声明"), str(out))
        for path, digest in digests.items():
            for place in _BESIDE if digest in known else ():
                source = out / place(path.relative_to(out).as_posix())
                if source.exists():
                    target = _beside_kept(place(_kept_name(digest)))
                    found.setdefault(digest, {})[target] = read_regular(source, str(source), largest=LARGEST_ENVELOPE)
    return found


def _write_statements(
    folder: Path, site: Path, log: Log, disclosed: Sequence[Disclosed], beside: Mapping[Digest, Mapping[str, bytes]]
) -> None:
    for each in disclosed:
        path = kept_file(each.digest)
        _write(site / path, read_regular(folder / path, path, largest=LARGEST_ENVELOPE))
        with log_errors():
            _write(site / _receipt(each.digest), log.prove(each.index).to_bytes())
        for target, data in beside.get(each.digest, {}).items():
            _write(site / target, data)


def _decisions(disclosed: Sequence[Disclosed]) -> Iterator[tuple[Disclosed, Certificate | Refusal]]:
    """The decisions that agree with the statement around them."""
    for each in disclosed:
        predicate = decision_in(each)
        if (
            predicate is not None
            and predicate.decision.system.digest == each.statement.subject_digest
            and has_own_number(predicate)
            and _has_times(predicate)
        ):
            yield each, predicate


def _has_times(predicate: Certificate | Refusal) -> bool:
    """Whether the calendar knows the times that are stated."""
    times = [predicate.decision.issued]
    if isinstance(predicate, Certificate):
        times += [predicate.validity.not_before, predicate.validity.not_after]
    try:
        return all(map(instant, times))
    except ValueError:
        return False


def _decision(
    made: Disclosed,
    predicate: Certificate | Refusal,
    disclosed: Sequence[Disclosed],
    beside: Mapping[Digest, Mapping[str, bytes]],
) -> DecisionPage:
    life, orderly, changes = None, True, []
    if isinstance(predicate, Certificate):
        life = CertificateLife.begin(predicate, made.digest)
        for each, change in sorted(_changes(made, disclosed), key=lambda pair: (pair[1].position, pair[0].index)):
            changes.append(Change(change, kept_file(each.digest)))
            try:
                life = life.after(change, each.digest)
            except (EvidenceError, ValueError):  # a time that no calendar has is no time either
                orderly = False
    files = (kept_file(made.digest), _receipt(made.digest), *sorted(beside.get(made.digest, {})))
    return DecisionPage(made.index, made.digest, made.signer, predicate, tuple(changes), life, orderly, files)


def _changes(certificate: Disclosed, disclosed: Sequence[Disclosed]) -> Iterator[tuple[Disclosed, StatusChange]]:
    """What the signer of a certificate stated about it later."""
    for each in disclosed:
        statement = each.statement
        if (
            statement.predicate_type == LaterStatement.STATUS.predicate_type
            and statement.subject_digest == certificate.digest
            and each.signer == certificate.signer
        ):
            try:
                change = StatusChange.from_json(statement.predicate, each.digest)
            except UserError:
                continue
            if status_statement(change, certificate.digest) == statement:
                yield each, change


def _systems(disclosed: Sequence[Disclosed], decisions: Sequence[DecisionPage]) -> list[SystemSection]:
    kinds = {name.predicate_type for name in StatementName}
    names: dict[Digest, str] = {}
    for each in disclosed:
        if each.statement.predicate_type in kinds:
            names.setdefault(each.statement.subject_digest, each.statement.subject[0].name)
    tried = list(attempts(disclosed))
    files = {each.index: kept_file(each.digest) for each in disclosed}
    sections = []
    for digest, name in sorted(names.items(), key=lambda pair: (pair[1], pair[0])):
        plans = [attempt for attempt in tried if attempt.plan.system == digest]
        sections.append(
            SystemSection(
                name=name,
                digest=digest,
                plans=len(plans),
                unreported=tuple(
                    UnreportedPlan(attempt.index, attempt.plan, files[attempt.index])
                    for attempt in plans
                    if not attempt.reported
                ),
                decisions=tuple(made for made in decisions if made.predicate.decision.system.digest == digest),
            )
        )
    return sections


def _write_pages(
    site: Path, log: Log, undisclosed: int, systems: Sequence[SystemSection], status: StatusList | None
) -> None:
    origin = log.checkpoint.origin
    cosigners = sorted({line.name for line in log.note.signatures if line.name != origin})
    for language, other in zip(LANGUAGES, reversed(LANGUAGES), strict=True):
        environment = templates(language)
        environment.globals.update(log=log.checkpoint, language=language, words=words, standings=STANDINGS)
        index = environment.get_template("site_index.html.j2").render(
            other=_page("index", other),
            systems=systems,
            undisclosed=undisclosed,
            cosigners=cosigners,
            status=status,
            status_file=STATUS_LIST,
        )
        _write(site / _page("index", language), index.encode())
        template = environment.get_template("site_decision.html.j2")
        for each in chain.from_iterable(system.decisions for system in systems):
            page = template.render(
                each=each,
                other=each.page(other).rpartition("/")[2],
                home=_page("index", language),
                status=status,
                listed=None if status is None else _listed(status, each.digest),
                command=_command(each, with_status=status is not None and each.life is not None),
            )
            _write(site / each.page(language), page.encode())


def _listed(status: StatusList, certificate: Digest) -> Standing | None:
    """Where a snapshot says that a certificate stands; `None` when it does not list it."""
    line = status.find(certificate)
    if line is None:
        return None
    return line.standing if isinstance(line, ListedNonGood) else "good"


def _command(each: DecisionPage, *, with_status: bool) -> str:
    """How to verify a decision in a copy of the site."""
    status = f" --status {STATUS_LIST}" if with_status else ""
    return f"touchstone verify {kept_file(each.digest)} \\\n  --key lab.pem.pub --log-key log.pem.pub{status}"


def _copy_tiles(tiles: Path, target: Path) -> None:
    for path in sorted(tiles.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            _write(target / path.relative_to(tiles), read_regular(path, str(path), largest=_LARGEST_TILE))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, data)


def _page(name: str, language: Language) -> str:
    return f"{name}.html" if language == "en" else f"{name}.{language}.html"


def _kept_name(digest: Digest) -> str:
    return kept_file(digest).removeprefix(f"{KEPT_STATEMENTS}/")


def _receipt(digest: Digest) -> str:
    return _beside_kept(receipt_of(_kept_name(digest)))


def _beside_kept(path: str) -> str:
    """Where `verify` looks for it when it is given the kept statement."""
    return f"{KEPT_STATEMENTS}/{path}"
