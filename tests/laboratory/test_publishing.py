"""The site made from a log: no script, no broken link, nothing to believe, and the log itself on any plain server."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from urllib.request import urlopen

import pytest

from tests.building import prediction_system
from tests.cli.program import run
from tests.evidence.made import ISSUED, Laboratory
from tests.report.test_rendering import HOSTILE, Reader
from touchstone.api import announce, assess
from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.verify import verify
from touchstone.laboratory.certifying import change_status, write_snapshot
from touchstone.laboratory.issuing import OwnLog, log_statements, write_cose_receipts
from touchstone.laboratory.publishing import STATUS_LIST, publish
from touchstone.tlog.cosignature import cosign
from touchstone.tlog.log import Log
from touchstone.tlog.tiles import levels, tile_path, width_of

NAMES = ("plan.dsse.json", "assessment.dsse.json", "certificate.dsse.json")
FACTS = {"deploy.affects_individuals": True, "data.personal": False}


@dataclass(frozen=True)
class Made:
    """A log with a certificate that was suspended, a refusal of a hostile system, and a plan without a report."""

    laboratory: Laboratory
    certified: Path
    refused: Path
    snapshot: Path

    @property
    def log(self) -> Path:
        return self.laboratory.folder / "log"

    def kept(self, path: Path) -> str:
        return f"statements/{digest_of(path.read_bytes()).removeprefix('sha256:')}.dsse.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    base = tmp_path_factory.mktemp("published")
    laboratory = Laboratory.in_folder(base / "lab")
    own = OwnLog(laboratory.folder / "log", laboratory.log_key)
    certified = laboratory.assess(base / "certified")
    log_statements(certified, NAMES, [laboratory.public], own)
    identity = {
        "name": HOSTILE,
        "version": "1",
        "supplier": {"name": HOSTILE},
        "intended_use": HOSTILE,
        "sector": "other",
        "synthetic": True,
    }
    system = prediction_system(base / "system", system=identity, facts=FACTS)
    signing = {"key": laboratory.key, "log": own.folder, "log_key": laboratory.log_key, "issuer": HOSTILE}
    announce(
        system, output=base / "announced", nonce_from="Regulator", **{k: v for k, v in signing.items() if k != "issuer"}
    )
    assess(system, output=base / "refused", only=["MI-01"], **signing)
    change_status(certified, "suspend", laboratory.key, reason=HOSTILE, effective=ISSUED + timedelta(hours=1), log=own)
    snapshot = write_snapshot(
        [certified],
        base / "snapshot.dsse.json",
        laboratory.key,
        issuer=HOSTILE,
        as_of=ISSUED + timedelta(hours=2),
        valid_for=timedelta(days=7),
    )
    return Made(laboratory, certified, base / "refused", snapshot)


@pytest.fixture(scope="module")
def site(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "site"
    assert publish(made.log, folder, outputs=[made.certified], status=made.snapshot) == 2
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def pages(site: Path) -> dict[Path, Reader]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        reader = Reader()
        reader.feed(path.read_text("utf-8"))
        assert reader.open == [], path
        found[path] = reader
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_runs_and_every_link_leads_to_a_file_of_the_site(site: Path) -> None:
    read = pages(site)
    assert len(read) == 6
    for path, reader in read.items():
        assert not reader.tags & {"script", "iframe", "object", "embed", "form", "img", "link", "base"}
        assert "default-src 'none'" in path.read_text("utf-8")
        assert reader.addresses
        for link in reader.addresses:
            assert ":" not in link
            assert not link.startswith("/")
            assert (path.parent / unquote(link)).resolve().is_relative_to(site.resolve())
            assert (path.parent / unquote(link)).is_file(), (path, link)


def test_hostile_names_are_shown_as_text(made: Made, site: Path) -> None:
    read = {path.relative_to(site).as_posix(): "".join(reader.text) for path, reader in pages(site).items()}
    refusal = PurePosixPath(made.kept(made.refused / "refusal.dsse.json")).name.removesuffix(".dsse.json")
    certificate = PurePosixPath(made.kept(made.certified / "certificate.dsse.json")).name.removesuffix(".dsse.json")
    for ending in ("html", "zh.html"):
        assert HOSTILE in read[f"index.{ending}"]
        assert HOSTILE in read[f"decisions/{refusal}.{ending}"]
        assert HOSTILE in read[f"decisions/{certificate}.{ending}"]  # the reason for the suspension


def test_the_index_says_what_must_not_be_hidden(site: Path) -> None:
    english, chinese = ("".join(pages(site)[site / name].text) for name in ("index.html", "index.zh.html"))
    wanted = [
        "0 independent witnesses",
        "suspended",
        "refused",
        "2 plans, 1 reported",
        "1 plan, 1 reported",
        "entry 3: plan against",
    ]
    assert not [phrase for phrase in wanted if phrase not in english]
    assert "without a published statement" not in english
    assert "entry 0: plan against" not in english
    assert not [phrase for phrase in ["独立见证为 0", "已暂停", "已拒绝", "已报告 1 个"] if phrase not in chinese]
    assert 'class="mark tone-fail">✗ 0 independent witnesses' in (site / "index.html").read_text("utf-8")


def test_a_certificate_that_the_snapshot_does_not_list_is_not_known_to_be_good(made: Made, tmp_path: Path) -> None:
    empty = write_snapshot(
        [], tmp_path / "s.json", made.laboratory.key, issuer="x", as_of=ISSUED, valid_for=timedelta(days=1)
    )
    for snapshot, wanted in ((empty, "not listed, so not known to be good"), (made.snapshot, "suspended as of 2026")):
        publish(made.log, tmp_path / "site", status=snapshot)
        read = ["".join(reader.text) for path, reader in pages(tmp_path / "site").items() if "zh" not in path.name]
        assert sum(wanted in text for text in read) == 1


def test_the_published_statements_verify_as_the_page_says(made: Made, site: Path) -> None:
    for out, name, code in ((made.certified, "certificate", 0), (made.refused, "refusal", 0)):
        path = site / made.kept(out / f"{name}.dsse.json")
        found = verify(
            path,
            key=made.laboratory.public,
            log_key=made.laboratory.log_public,
            at=ISSUED + timedelta(minutes=30),
        )
        assert found.exit_code == code, found.steps
        assert found.passed("log")
    late = verify(
        site / made.kept(made.certified / "certificate.dsse.json"),
        key=made.laboratory.public,
        log_key=made.laboratory.log_public,
        at=ISSUED + timedelta(hours=3),
        status=site / STATUS_LIST,
    )
    assert any("suspended" in step.text.en for step in late.steps)


def test_inclusion_is_proven_from_a_plain_web_server(made: Made, site: Path, address: str, tmp_path: Path) -> None:
    """Only the checkpoint, the tiles and one statement are fetched, as any client of the log would."""

    def fetch(path: str) -> bytes:
        with urlopen(f"{address}/{path}", timeout=10) as answer:  # noqa: S310 - our own server
            data: bytes = answer.read()
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return data

    fetch("checkpoint")
    size = Log.open(tmp_path).checkpoint.size
    assert size == Log.open(made.log).checkpoint.size == 8
    for level in (*range(levels(size)), "entries"):
        height = level if isinstance(level, int) else 0
        fetch(tile_path(level, 0, width_of(height, 0, size)))
    log = Log.open(tmp_path)
    statement = fetch(made.kept(made.certified / "certificate.dsse.json"))
    leaf = made.laboratory.leaf(statement)
    index = list(log.entries()).index(leaf)
    assert log.prove(index).holds(leaf)
    assert not log.prove(index).holds(leaf[:-1])
    assert b"<html" in fetch("index.html")
    assert list(Log.open(site).entries()) == list(log.entries())


def test_the_same_log_gives_the_same_bytes(made: Made, site: Path, tmp_path: Path) -> None:
    publish(made.log, tmp_path / "again", outputs=[made.certified], status=made.snapshot)
    assert contents(tmp_path / "again") == contents(site)
    publish(made.log, tmp_path / "again", outputs=[made.certified], status=made.snapshot)
    assert contents(tmp_path / "again") == contents(site)


def test_a_site_follows_its_log_and_never_goes_back(made: Made, tmp_path: Path) -> None:
    log = shutil.copytree(made.log, tmp_path / "log")
    publish(log, tmp_path / "site")
    grown = Log.open(log, made.laboratory.log_key)
    grown.append(made.laboratory.leaf((made.snapshot).read_bytes()))
    grown.add_cosignatures([cosign(grown.note, "witness.example.org", made.laboratory.log_key, 1)])
    publish(log, tmp_path / "site")
    text = "".join(pages(tmp_path / "site")[tmp_path / "site" / "index.html"].text)
    assert "cosignature lines by witness.example.org" in text
    assert "0 independent witnesses" not in text
    assert "1 without a published statement" in text
    before = contents(tmp_path / "site")
    with pytest.raises(EvidenceError, match="something else than an earlier state of this log"):
        publish(made.log, tmp_path / "site")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("ten years of work")
    with pytest.raises(EvidenceError, match="something else than an earlier state"):
        publish(made.log, tmp_path / "mine")
    assert contents(tmp_path / "site") == before
    assert contents(tmp_path / "mine") == {"thesis.txt": b"ten years of work"}


def test_what_is_not_about_the_log_is_not_published(made: Made, tmp_path: Path) -> None:
    stranger = Laboratory.in_folder(tmp_path / "stranger")
    out = stranger.assess(tmp_path / "out")
    with pytest.raises(EvidenceError, match="holds no statement that is on this log"):
        publish(made.log, tmp_path / "site", outputs=[out])
    foreign = write_snapshot(
        [out], tmp_path / "s.json", stranger.key, issuer="x", as_of=ISSUED, valid_for=timedelta(days=1)
    )
    with pytest.raises(EvidenceError, match="signed by nobody who is on the log"):
        publish(made.log, tmp_path / "site", status=foreign)
    with pytest.raises(EvidenceError, match="is not a snapshot"):
        publish(made.log, tmp_path / "site", status=made.certified / "plan.dsse.json")
    assert not (tmp_path / "site").exists()


def test_further_receipts_come_from_the_output_folder(made: Made, tmp_path: Path) -> None:
    out = shutil.copytree(made.certified, tmp_path / "out")
    write_cose_receipts(out, ["certificate.dsse.json"], made.laboratory.public, made.laboratory.log_key)
    publish(made.log, tmp_path / "site", outputs=[out])
    kept = made.kept(out / "certificate.dsse.json")
    published = kept.replace("statements/", "statements/receipts/").replace(".dsse.json", ".cose")
    assert (tmp_path / "site" / published).read_bytes() == (out / "receipts" / "certificate.cose").read_bytes()
    page = PurePosixPath(kept).name.replace(".dsse.json", ".html")
    assert f"../{published}" in pages(tmp_path / "site")[tmp_path / "site" / "decisions" / page].addresses


def test_changes_that_do_not_follow_from_one_another_put_a_certificate_in_doubt(made: Made, tmp_path: Path) -> None:
    log = shutil.copytree(made.log, tmp_path / "log")
    out = shutil.copytree(made.certified, tmp_path / "out")
    shutil.rmtree(out / "status")  # as if the suspension had never been
    own = OwnLog(log, made.laboratory.log_key)
    change_status(out, "withdraw", made.laboratory.key, reason="again", effective=datetime.now(UTC), log=own)
    publish(log, tmp_path / "site")
    text = "".join(pages(tmp_path / "site")[tmp_path / "site" / "index.html"].text)
    assert "in doubt" in text


def test_the_command_publishes(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished = run(capsys, "log", "publish", made.log, "--output", tmp_path / "site", "--status", made.snapshot)
    assert finished.code == 0, finished.err
    assert "2 decisions" in finished.out
    assert (tmp_path / "site" / STATUS_LIST).read_bytes() == made.snapshot.read_bytes()
