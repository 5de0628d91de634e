#!/usr/bin/env python3
"""Verify evidence of Touchstone with this one file: offline, without installing Touchstone.

    python touchstone-verify.py OUT --key lab.pem.pub --log-key log.pem.pub

OUT is the folder that `touchstone assess` wrote, or the evidence bundle in it with the signed assessment beside it.
The keys come from whoever you trust, never from OUT. You need Python 3.11 or later and the package `cryptography`;
nothing else is imported, nothing is fetched, and nothing found in OUT is executed. Read it from top to bottom.

Exit codes: 0 everything checked holds, 1 something does not and is named, 2 this is no evidence or no key.
Source of the formats: DSSE v1, in-toto Statement v1, OCI image layout 1.1, RFC 6962, RFC 8785, C2SP signed-note,
tlog-checkpoint, tlog-cosignature and tlog-proof. Apache-2.0.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

LARGEST_FILE, LARGEST_BLOB = 2**26, 2**30
CHINESE = "zh" in sys.argv or (os.environ.get("TOUCHSTONE_LANG") or os.environ.get("LANG") or "").startswith("zh")


def say(en: str, zh: str) -> str:
    """A message in the language of the person at the terminal."""
    return zh if CHINESE else en


class FaultError(Exception):
    """Something in a file is not as it must be."""

    def __init__(self, file: str, en: str, zh: str) -> None:
        super().__init__(f"{file}: {say(en, zh)}")


def require(condition: bool, file: str, en: str, zh: str) -> None:
    """Raise a fault about a file unless the condition holds."""
    if not condition:
        raise FaultError(file, en, zh)


def give_up(en: str, zh: str) -> NoReturn:
    """End: there is nothing here that could be verified, or no key to verify it with."""
    print(say(f"error: {en}", f"错误：{zh}"), file=sys.stderr)
    sys.exit(2)


class Report:
    """The steps that were taken, one line each."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.faults = 0
        self.passed: set[str] = set()
        self.covered: set[str] = set()  # files whose every byte was checked, by path in the folder

    def ok(self, step: str, file: str, en: str, zh: str) -> None:
        """A step of this kind was taken, and held."""
        self.passed.add(step)
        self.lines.append(f"✓ {file}: {say(en, zh)}")

    def fail(self, fault: FaultError) -> None:
        """A step was taken, and did not hold."""
        self.faults += 1
        self.lines.append(f"✗ {fault}")

    @contextmanager
    def noting(self, file: str) -> Iterator[None]:
        """Turn a fault into a line. JSON that lacks what it must have is a fault too."""
        try:
            yield
        except FaultError as fault:
            self.fail(fault)
        except (LookupError, TypeError, AttributeError, ValueError, OSError):
            self.fail(FaultError(file, "does not say what it must say", "缺少必要内容"))


# ---------------------------------------------------------------------------------------------- 1. strict reading
def read(path: Path, file: str, largest: int = LARGEST_FILE) -> bytes:
    """The bytes of a regular file of bounded size; links are never followed."""
    try:
        require(stat.S_ISREG(path.lstat().st_mode), file, "is a link or no regular file", "是链接或非普通文件")
        with path.open("rb") as stream:
            data = stream.read(largest + 1)
    except OSError:
        raise FaultError(file, "is missing or cannot be read", "缺失或无法读取") from None
    require(len(data) <= largest, file, f"is larger than {largest} bytes", f"大于 {largest} 字节")
    return data


def sha256(data: bytes) -> str:
    """A digest as it is written everywhere in the evidence."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """RFC 8785 for JSON without floats: no white space, keys in the order of their UTF-16 code units."""

    def ordered(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: ordered(item[key]) for key in sorted(item, key=lambda key: key.encode("utf-16-be"))}
        return [ordered(each) for each in item] if isinstance(item, list) else item

    return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def parse(data: bytes, shape: Any, file: str) -> Any:
    """JSON of one shape in its only accepted spelling, which rules out duplicate keys and second forms of a text."""

    def refuse(literal: str) -> Any:
        raise FaultError(file, f"holds the number {literal[:30]}", f"含数值 {literal[:30]}")

    try:
        value = json.loads(data.decode(), parse_float=refuse, parse_constant=refuse)
        same = canonical(value) == data
    except (ValueError, RecursionError):  # no UTF-8, no JSON, too deep, or a text that has no UTF-8 form
        raise FaultError(file, "is not JSON, or was changed", "不是 JSON，或已被改动") from None
    require(same, file, "is not in its canonical form: reformatted or changed", "不是规范形式：经重排或改动")
    require(fits(value, shape), file, "has other fields than it must have", "字段与规定不符")
    return value


def fits(value: Any, shape: Any) -> bool:
    """Whether JSON has a shape: a dict these keys, a list items of one shape (a tuple: one item), a text a pattern."""
    if isinstance(shape, dict):
        return isinstance(value, dict) and value.keys() == shape.keys() and all(fits(value[k], shape[k]) for k in shape)
    if isinstance(shape, list | tuple):
        fitting = isinstance(value, list) and all(fits(item, shape[0]) for item in value)
        return fitting and (isinstance(shape, list) or len(value) == 1)
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    return type(value) is shape if isinstance(shape, type) else type(value) is type(shape) and bool(value == shape)


def unbase64(text: str, file: str) -> bytes:
    """Standard base64 in its one canonical spelling."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        data = b""
    require(base64.b64encode(data).decode() == text, file, "holds no canonical base64", "含非规范 base64 文本")
    return data


# ------------------------------------------------------------------------------------------- 2. keys and signatures
P256 = ec.SECP256R1()
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
IN_TOTO = "application/vnd.in-toto+json"
ENVELOPE = {"payload": str, "payloadType": IN_TOTO, "signatures": ({"keyid": DIGEST, "sig": str},)}
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": ({"name": str, "digest": {"sha256": re.compile(r"[0-9a-f]{64}")}},),
    "predicateType": str,
    "predicate": dict,
}


def load_key(path: Path, kind: Any) -> Any:
    """A public key in PEM: P-256 for statements, Ed25519 for the log."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        give_up(f"{path} is not a public key in PEM", f"{path} 不是 PEM 格式的公钥")
    if not isinstance(key, kind) or getattr(key, "curve", P256).name != P256.name:
        wanted = "P-256" if kind is ec.EllipticCurvePublicKey else "Ed25519"
        give_up(f"{path} is not a {wanted} key", f"{path} 不是 {wanted} 密钥")
    return key


def signed_by(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    """ECDSA on P-256 with SHA-256; of all encodings of a signature only DER with the lower s counts."""
    try:
        r, s = decode_dss_signature(signature)
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return encode_dss_signature(r, min(s, P256_ORDER - s)) == signature


class Statement:
    """A statement whose signature is good."""

    def __init__(self, root: Path, file: str, kind: str, key: ec.EllipticCurvePublicKey) -> None:
        data = read(root / file, file)
        envelope = parse(data, ENVELOPE, file)
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.file, self.digest = file, sha256(data)
        signature = envelope["signatures"][0]
        require(signature["keyid"] == sha256(spki), file, "is signed by another key", "由另一把密钥签名")
        payload = unbase64(envelope["payload"], file)
        signed = b"DSSEv1 %d %b %d %b" % (len(IN_TOTO), IN_TOTO.encode(), len(payload), payload)
        good = signed_by(key, unbase64(signature["sig"], file), signed)
        require(good, file, "was changed after it was signed, or never signed", "签名后被改动，或从未签名")
        statement = parse(payload, STATEMENT, file)
        same = statement["predicateType"] == f"urn:touchstone:predicate:{kind}:v1"
        require(same, file, f"is no statement of a {kind}", f"不是 {kind} 声明")
        self.predicate: dict[str, Any] = statement["predicate"]
        self.subject = (statement["subject"][0]["name"], "sha256:" + statement["subject"][0]["digest"]["sha256"])
        self.leaf = leaf_of(signed, signature["sig"], spki)


def leaf_of(signed: bytes, signature: str, spki: bytes) -> bytes:
    """What the log keeps of a statement: Rekor v2 `hashedrekord` 0.0.2. Made again here, never read from a file."""
    key = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": base64.b64encode(spki).decode()}}
    record = {
        "data": {"algorithm": "SHA2_256", "digest": base64.b64encode(hashlib.sha256(signed).digest()).decode()},
        "signature": {"content": signature, "verifier": key},
    }
    return canonical({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}})


# --------------------------------------------------------------------------------------------------- 3. the bundle
BLOBS = "blobs/sha256"
TITLE = "org.opencontainers.image.title"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
EVIDENCE_TYPE = "application/vnd.touchstone.evidence.v1+json"
REDACTION_TYPE = "application/vnd.touchstone.redaction.v1+json"
NAME = re.compile(r"(?=.{1,255}\Z)[A-Za-z0-9][A-Za-z0-9._@+=-]*(/[A-Za-z0-9][A-Za-z0-9._@+=-]*)*")
TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,120}")
CONFIG = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(b"{}"), "size": 2, "data": "e30="}
DESCRIPTOR = {"mediaType": TYPE, "digest": DIGEST, "size": int}
LAYER = {
    TITLE: NAME,
    "org.touchstone.role": re.compile(r"[a-z][a-z-]{0,62}"),
    "org.touchstone.disclosure": re.compile("public|restricted"),
    "org.touchstone.volatile": re.compile("true|false"),
}
REPRODUCIBLE = {"org.touchstone.reproducible": DIGEST}
ANY = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": TYPE, "config": CONFIG}
MANIFEST = {**ANY, "layers": [{**DESCRIPTOR, "annotations": LAYER}], "annotations": REPRODUCIBLE}
ATTACHMENT = {**ANY, "layers": ({**DESCRIPTOR, "annotations": {TITLE: NAME}},), "subject": DESCRIPTOR}
LISTED = {**DESCRIPTOR, "artifactType": TYPE, "annotations": dict}
INDEX = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [LISTED]}
REDACTION = {"withheld": [{"name": NAME, "digest": DIGEST}]}


class Bundle:
    """An OCI image layout: an index, one evidence manifest, its blobs, and what was attached to it later."""

    def __init__(self, folder: Path, label: str) -> None:
        self.folder, self.label, self.index_file = folder, label, f"{label}/index.json"
        linked = (folder / "blobs").is_symlink() or (folder / BLOBS).is_symlink()
        require(not linked, f"{label}/{BLOBS}", "lies behind a link", "位于链接之后")
        layout = read(folder / "oci-layout", f"{label}/oci-layout")
        require(layout == b'{"imageLayoutVersion":"1.0.0"}', f"{label}/oci-layout", "was changed", "已被改动")
        self.index = parse(read(folder / "index.json", self.index_file), INDEX, self.index_file)["manifests"]
        require(bool(self.index), self.index_file, "lists no evidence", "未列出证据")
        self.digest: str = self.index[0]["digest"]
        manifest = parse(self.blob(self.index[0]), MANIFEST, self.file(self.digest))
        self.entries: list[dict[str, Any]] = manifest["layers"]
        self.reproducible: str = manifest["annotations"]["org.touchstone.reproducible"]
        self.withheld: list[str] = []
        names = [entry["annotations"][TITLE] for entry in self.entries]
        lasting = [entry for entry in self.entries if entry["annotations"]["org.touchstone.volatile"] == "false"]
        own = (manifest["artifactType"], self.reproducible) == (EVIDENCE_TYPE, sha256(canonical(lasting)))
        consistent = own and names == sorted(set(names))
        require(consistent, self.file(self.digest), "contradicts itself", "自相矛盾")

    def file(self, digest: str, name: str = "") -> str:
        """What messages call a blob."""
        return f"{self.label}/{BLOBS}/{digest[7:]}" + (f" ({name})" if name else "")

    def blob(self, part: dict[str, Any], name: str = "") -> bytes:
        """The bytes of a blob, which are those that a manifest names."""
        file, size = self.file(part["digest"], name), part["size"]
        data = read(self.folder / BLOBS / part["digest"][7:], file, min(max(size, 0), LARGEST_BLOB))
        require((sha256(data), len(data)) == (part["digest"], size), file, "was changed", "已被改动")
        return data

    def check(self, report: Report) -> bool:
        """Note every file that is not as the manifests say: missing, changed, unknown."""
        before = report.faults
        attachments = []
        for listed in self.index[1:]:
            with report.noting(self.file(listed["digest"])):
                attachments.append(parse(self.blob(listed), ATTACHMENT, self.file(listed["digest"])))
        if self.index != self._index_of(attachments):
            report.fail(FaultError(self.index_file, "does not follow from what it lists", "与所列清单不一致"))
        redactable = self._redactable(attachments, report)
        attached = [each["layers"][0] for each in attachments]
        contents: list[dict[str, Any]] = [CONFIG | {"annotations": {TITLE: ""}}, *self.entries, *attached]
        for part in contents:
            name = part["annotations"][TITLE]
            if part["digest"] in redactable and not os.path.lexists(self.folder / BLOBS / part["digest"][7:]):
                self.withheld.append(name)
                continue
            with report.noting(self.file(part["digest"], name)):
                self.blob(part, name)
        expected = {f"{BLOBS}/{part['digest'][7:]}" for part in (*contents, *self.index)} | {"oci-layout", "index.json"}
        for path in sorted(files_below(self.folder) - expected):
            report.fail(FaultError(f"{self.label}/{path}", "is not listed in any manifest", "未在任何清单中列出"))
        return report.faults == before

    def _index_of(self, attachments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The one index of the evidence and those attachments that belong to it."""
        evidence = {key: self.index[0][key] for key in ("mediaType", "digest", "size")}
        lines: list[dict[str, Any]] = []
        for each in attachments:
            data, about = canonical(each), each["layers"][0]["annotations"]
            listed = {"mediaType": MANIFEST_TYPE, "digest": sha256(data), "size": len(data), "annotations": about}
            lines += [{**listed, "artifactType": each["artifactType"]}] if each["subject"] == evidence else []
        lines.sort(key=lambda line: (line["annotations"][TITLE], line["digest"]))
        first = {**evidence, "mediaType": MANIFEST_TYPE, "artifactType": EVIDENCE_TYPE}
        return [{**first, "annotations": {"org.opencontainers.image.ref.name": "evidence"}}, *lines]

    def _redactable(self, attachments: list[dict[str, Any]], report: Report) -> set[str]:
        """Digests that a copy may go without: restricted when it was signed, and declared to be withheld."""
        declared: set[tuple[str, str]] = set()
        for part in (a["layers"][0] for a in attachments if a["artifactType"] == REDACTION_TYPE):
            with report.noting(self.file(part["digest"])):
                redaction = parse(self.blob(part), REDACTION, self.file(part["digest"]))
                declared |= {(item["name"], item["digest"]) for item in redaction["withheld"]}
        public = {e["digest"] for e in self.entries if e["annotations"]["org.touchstone.disclosure"] == "public"}
        silent = {e["digest"] for e in self.entries if (e["annotations"][TITLE], e["digest"]) not in declared}
        return {digest for _, digest in declared} - public - silent

    def only(self, role: str) -> str:
        """Digest of the one entry of a role."""
        found = [entry["digest"] for entry in self.entries if entry["annotations"]["org.touchstone.role"] == role]
        require(len(found) == 1, self.file(self.digest), f"does not list one {role}", f"角色 {role} 的条目不是一个")
        return str(found[0])


def files_below(folder: Path) -> set[str]:
    """Everything in a folder: files, links, and empty folders."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir() or not any(path.iterdir()))
    return {path.relative_to(folder).as_posix() for path in found}


# ----------------------------------------------------------------------------------------------- 4. the statements
KINDS = ("plan", "assessment", "certificate", "refusal")
STATUS = "status/{:04}.dsse.json"


def signed_statement(root: Path, kind: str, key: ec.EllipticCurvePublicKey, report: Report) -> Statement | None:
    """The statement of one kind, once its signature is known to be good."""
    file = f"{kind}.dsse.json"
    report.covered.add(file)
    with report.noting(file):
        statement = Statement(root, file, kind, key)
        report.ok("signature", file, "is signed by the given key", "由所给密钥签名")
        return statement
    return None


def bind_assessment(assessed: Statement, bundle: Bundle, report: Report) -> None:
    """The signed assessment rests on this evidence, plan and profile, and names every control that was not tested."""
    predicate, assessment = assessed.predicate, assessed.predicate["assessment"]
    fields = ("control", "required", "reason")
    left_out = [{k: f[k] for k in fields} for f in assessment["findings"] if f["verdict"] == "not-tested"]
    about = (assessment["system"]["name"], assessment["system"]["digest"])
    consistent = (assessed.subject, predicate["notTested"]) == (about, left_out)
    require(consistent, assessed.file, "contradicts itself", "自相矛盾")
    same = (predicate["evidence"], predicate["reproducible"]) == (bundle.digest, bundle.reproducible)
    require(same, assessed.file, "rests on other evidence", "所依据的是其他证据")
    own = {"assessment": sha256(canonical(assessment)), "plan": assessment["plan"]}
    for role, digest in {**own, "profile": assessment["profile"]["digest"]}.items():
        require(bundle.only(role) == digest, assessed.file, f"names another {role}", f"所指 {role} 与证据中的不同")
    report.ok("evidence", assessed.file, "rests on this evidence, plan and profile", "依据该证据、计划与档案")


def bind_plan(plan: Statement, assessed: Statement, report: Report) -> None:
    """The signed plan is the one the assessment was made under."""
    planned, assessment = plan.predicate["plan"], assessed.predicate["assessment"]
    mine = (sha256(canonical(planned)), planned["system"], planned["profile"], plan.subject)
    theirs = (assessment["plan"], assessed.subject[1], assessment["profile"]["digest"], assessed.subject)
    require(mine == theirs, plan.file, "is not the plan the assessment was made under", "不是该测评所依据的计划")
    report.ok("plan", plan.file, "is the plan the assessment was made under", "是该测评所依据的计划")


def bind_decision(decided: Statement, assessed: Statement, report: Report) -> None:
    """The certificate or refusal is about this assessment, and of the kind that its verdict asks for."""
    predicate, decision, assessment = decided.predicate, decided.predicate["decision"], assessed.predicate["assessment"]
    kind, prefix = ("certificate", "TC") if assessment["verdict"] == "pass" else ("refusal", "TR")
    number = f"{prefix}-{sha256(canonical({**predicate, 'id': ''}))[7:23]}"
    scope = [{k: finding[k] for k in ("control", "verdict", "required")} for finding in assessment["findings"]]
    basis = {"assessment": assessed.digest, "evidence": assessed.predicate["evidence"]}
    mine = (predicate["id"], predicate["kind"], decided.subject, decision["scope"], decision["basis"])
    same = all(decision[field] == assessment[field] for field in ("system", "profile", "coverage"))
    about = mine == (number, kind, assessed.subject, scope, basis) and same
    require(about, decided.file, "is not about this assessment", "与该测评不符")
    report.ok("decision", decided.file, f"is the {kind} about this assessment", "是针对该测评的决定")


def check_validity(root: Path, decided: Statement, key: Any, at: datetime, report: Report) -> None:
    """A certificate is valid for some time, unless one of the signed changes that lie beside it says otherwise."""
    if decided.predicate["kind"] == "refusal":
        report.ok("validity", decided.file, "is a refusal: there is no certificate", "为拒绝决定：未颁发证书")
        return
    first, last = (decided.predicate["validity"][field] for field in ("notBefore", "notAfter"))
    in_time = moment(first) <= at < moment(last)
    require(in_time, decided.file, f"is valid only from {first} to {last}", f"仅在 {first} 至 {last} 之间有效")
    previous, position = decided.digest, 1
    while os.path.lexists(root / (file := STATUS.format(position))):
        report.covered.add(file)
        change = Statement(root, file, "status", key)
        said = [change.predicate[field] for field in ("certificateId", "position", "previous")]
        follows = said == [decided.predicate["id"], position, previous]
        require(follows, change.file, "does not follow the change before it", "与前一次变更不衔接")
        standing, since = change.predicate["standing"], change.predicate["effective"]
        previous, position = change.digest, position + 1
        ended = standing in {"withdrawn", "superseded"} or not os.path.lexists(root / STATUS.format(position))
        stands = standing == "good" or not ended or moment(since) > at
        require(stands, file, f"the certificate is {standing} since {since}", f"证书自 {since} 起为 {standing}")
    report.ok("validity", decided.file, f"is valid until {last}", f"有效期至 {last}")


def moment(text: str) -> datetime:
    """A time in UTC, as statements write it. Raises `ValueError` for any other text."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


# ------------------------------------------------------------------------------------------------------ 5. the log
PROOF = re.compile(
    r"c2sp\.org/tlog-proof@v1\nindex (?P<index>0|[1-9][0-9]{0,17})\n(?P<hashes>(?:[A-Za-z0-9+/]{43}=\n){0,63})\n"
    r"(?P<note>(?P<text>(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*)"
    r"\n(?P<signatures>(?:— [^\s+]{1,255} [A-Za-z0-9+/=]+\n){1,64}))"
)


class Receipt:
    """A C2SP tlog-proof: where an entry is in a log, and the way from it to a signed root."""

    def __init__(self, root: Path, file: str, statement: Statement) -> None:
        shape = PROOF.fullmatch(read(root / file, file).decode())
        if shape is None:
            raise FaultError(file, "is not a tlog-proof", "不是 tlog-proof")
        self.note, self.text, self.origin = shape["note"], shape["text"], shape["origin"]
        self.index = int(shape["index"])
        lines = (line.removeprefix("— ").rsplit(" ", 1) for line in shape["signatures"].splitlines())
        self.signatures = [(name, unbase64(blob, file)) for name, blob in lines]
        siblings = [unbase64(line, file) for line in shape["hashes"].splitlines()]
        found = root_of(statement.leaf, self.index, int(shape["size"]), siblings)
        leads = found == unbase64(shape["root"], file)
        require(leads, file, f"does not lead from {statement.file} to its root", f"不能由 {statement.file} 导出根")

    def signed_by(self, key: ed25519.Ed25519PublicKey) -> bool:
        """Whether the log signed the checkpoint. A key's id ties it to the log's name (C2SP signed-note)."""
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        key_id = hashlib.sha256(self.origin.encode() + b"\n\x01" + raw).digest()[:4]
        for name, blob in self.signatures:
            if (name, blob[:4]) == (self.origin, key_id):
                with suppress(InvalidSignature):
                    key.verify(blob[4:], self.text.encode())
                    return True
        return False


def root_of(leaf: bytes, index: int, size: int, siblings: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); none when its length is wrong."""
    computed, position, last = hashlib.sha256(b"\x00" + leaf).digest(), index, size - 1
    if index >= size:
        return None
    for sibling in siblings:
        if last == 0:
            return None
        if position & 1 or position == last:
            computed = hashlib.sha256(b"\x01" + sibling + computed).digest()
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = hashlib.sha256(b"\x01" + computed + sibling).digest()
        position, last = position >> 1, last >> 1
    return computed if last == 0 else None


def check_log(root: Path, statements: list[Statement], key: ed25519.Ed25519PublicKey | None, report: Report) -> None:
    """All receipts rest on the one checkpoint in the folder, in the order in which the statements were made."""
    if key is None and not os.path.lexists(root / "checkpoint"):
        report.lines.append("– " + say("log: no log key and no checkpoint given", "日志：未提供日志公钥或检查点"))
        return
    checkpoint = read(root / "checkpoint", "checkpoint")
    report.covered.add("checkpoint")
    indexes = []
    for statement in statements:
        file = f"receipts/{statement.file.removesuffix('.dsse.json')}.tlog-proof"
        report.covered.add(file)
        with report.noting(file):
            receipt = Receipt(root, file, statement)
            same = receipt.note.encode() == checkpoint
            require(same, file, "rests on another checkpoint than the one here", "所依据的检查点不是此处的检查点")
            require(key is None or receipt.signed_by(key), "checkpoint", "is not signed by the log", "不是由该日志签名")
            report.ok("log" if key else "", file, f"entry {receipt.index} of the log", f"第 {receipt.index} 条")
            indexes.append(receipt.index)
    in_order = indexes == sorted(set(indexes))
    require(in_order, "receipts", "plan, assessment, decision are not logged in this order", "日志中的顺序不对")
    if key is None:
        report.lines.append("– " + say("checkpoint: signed by whom? No log key given", "检查点：未提供日志公钥"))
    elif len(indexes) == 3:
        report.ok("order", "receipts", "plan, assessment, decision were logged in this order", "日志中的顺序正确")


# -------------------------------------------------------------------------------------------- 6. what it all means
PROVES = {
    "signature": ("the holder of the given key signed these statements", "这些声明由所给密钥的持有者签名"),
    "evidence": ("the evidence is, byte for byte, what the assessment rests on", "证据与测评所依据的逐字节一致"),
    "log": ("the log holds these statements and cannot take them back unnoticed", "日志已收录这些声明，不能暗中撤回"),
    "order": ("the plan was logged before the assessment, that before the decision", "计划、测评、决定依次入日志"),
}
NEVER_PROVES = (
    ("that the verdict follows from the observations: `touchstone verify` judges again", "结论由观测推出"),
    ("that the tests were well chosen or honestly run", "测试选择得当、执行诚实"),
    ("who holds the keys and when they signed: no timestamp or witness is examined here", "密钥持有者与签名时间"),
    ("that a certificate was not withdrawn since: ask its issuer", "证书此后未被撤销"),
)


def verify_bundle(root: Path, label: str, key: Any, report: Report) -> Statement | None:
    """A bundle and the signed assessment beside it: alone, a bundle only agrees with itself."""
    assessed = signed_statement(root, "assessment", key, report)
    with report.noting(label):
        bundle = Bundle(root / label, label)
        if bundle.check(report):
            report.ok("evidence", label, "every entry that is here is intact", "现有条目全部完好")
        report.lines += [f"– {name}: " + say("withheld from this copy", "未包含在此副本中") for name in bundle.withheld]
        if assessed is not None:
            bind_assessment(assessed, bundle, report)
    return assessed


def verify_output(root: Path, key: Any, certifier: Any, log_key: Any, at: datetime, report: Report) -> None:
    """Everything that `touchstone assess` wrote and that is signed, logged, or rests on what is."""
    there = [kind for kind in KINDS[2:] if os.path.lexists(root / f"{kind}.dsse.json")]
    if len(there) == 2:
        report.fail(FaultError("refusal.dsse.json", "lies beside a certificate", "与证书并存"))
    plan = signed_statement(root, "plan", key, report)
    assessed = verify_bundle(root, "evidence", key, report)
    decided = signed_statement(root, [*there, "certificate"][0], certifier, report)
    if assessed is not None and plan is not None:
        with report.noting(plan.file):
            bind_plan(plan, assessed, report)
    if assessed is not None and decided is not None:
        with report.noting(decided.file):
            bind_decision(decided, assessed, report)
    if decided is not None:
        with report.noting(decided.file):
            check_validity(root, decided, certifier, at, report)
    with report.noting("checkpoint"):
        check_log(root, [each for each in (plan, assessed, decided) if each is not None], log_key, report)
    with report.noting("assessment.json"):
        if assessed is not None and os.path.lexists(root / "assessment.json"):
            report.covered.add("assessment.json")
            same = read(root / "assessment.json", "assessment.json") == canonical(assessed.predicate["assessment"])
            require(same, "assessment.json", "is not the assessment that was signed", "不是所签名的测评结论")
        rest = sorted(file for file in files_below(root) - report.covered if not file.startswith("evidence/"))
        report.lines += [f"! {file}: " + say("not examined", "未检查") for file in rest]


def main() -> int:
    """Parse the command line, verify, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="output folder of `touchstone assess`, or its bundle")
    parser.add_argument("--key", type=Path, required=True, help="public key of the laboratory (P-256, PEM)")
    parser.add_argument("--certifier-key", type=Path, help="public key of the certification body, when it is another")
    parser.add_argument("--log-key", type=Path, help="public key of the log (Ed25519, PEM)")
    parser.add_argument("--at", type=moment, default=datetime.now(UTC), help="2026-12-31T00:00:00Z; now by default")
    parser.add_argument("--lang", choices=("en", "zh"), help="language of the messages")
    options = parser.parse_args()
    report = Report()
    key = load_key(options.key, ec.EllipticCurvePublicKey)
    certifier = load_key(options.certifier_key or options.key, ec.EllipticCurvePublicKey)
    log_key = load_key(options.log_key, ed25519.Ed25519PublicKey) if options.log_key else None
    if (options.path / "index.json").is_file():
        verify_bundle(options.path.absolute().parent, options.path.absolute().name, key, report)
    elif any(os.path.lexists(options.path / name) for name in ("evidence", *(f"{kind}.dsse.json" for kind in KINDS))):
        verify_output(options.path, key, certifier, log_key, options.at, report)
    else:
        give_up(f"{options.path} holds no evidence", f"{options.path} 中没有证据")
    valid = not report.faults and "signature" in report.passed
    report.lines.append(
        say("VALID. This proves:", "有效。由此可证：") if valid else say("NOT VALID: see ✗.", "无效：见 ✗。")
    )
    report.lines += [f"  + {say(*PROVES[step])}" for step in PROVES if valid and step in report.passed]
    report.lines += [say("It does not prove:", "不能证明："), *(f"  - {say(*text)}" for text in NEVER_PROVES)]
    for line in report.lines:
        print("".join(character if character.isprintable() else "�" for character in line))
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main())
