"""The trust root: a list of parties that k of n people signed with keys kept offline, in TUF's `root.json`.

Source: The Update Framework, specification 1.0; python-tuf's Metadata API reads, signs and checks. Only the root role
is used: the parties lie in the signed part, so the same threshold covers them. A new root must be signed by the
threshold of the old root's keys *and* of its own; whoever pins one root can thus follow all later ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from touchstone.errors import EvidenceError, UnavailableError
from touchstone.evidence.trust import Party, Trusted
from touchstone.signatures.keys import SigningKey, VerifyingKey
from touchstone.text import Text

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata
    from tuf.api.metadata import Root as TufRoot

LARGEST_ROOT: Final = 4 * 1024 * 1024
_PARTIES: Final = "x-touchstone-parties"


@dataclass(frozen=True)
class TrustRoot:
    """A root whose signatures were checked."""

    version: int
    expires: datetime
    threshold: int
    keys: tuple[str, ...]
    """TUF ids of the keys that may sign it."""
    signed_by: tuple[str, ...]
    """Those that did."""
    trusted: Trusted


def new_root(
    keys: Sequence[VerifyingKey], threshold: int, parties: Sequence[Party], expires: datetime, *, version: int = 1
) -> bytes:
    """An unsigned root. Raises `EvidenceError` when the threshold cannot be reached."""
    metadata, ssl_key = _tuf()
    held = [ssl_key.from_crypto(_crypto(key)) for key in keys]
    ids = [key.keyid for key in held]
    if not 1 <= threshold <= len(set(ids)):
        raise EvidenceError(
            Text(
                f"a threshold of {threshold} cannot be reached with {len(set(ids))} different keys",
                f"{len(set(ids))} 把不同的密钥无法达到阈值 {threshold}",
            )
        )
    role = {name: metadata.Role(list(ids), threshold) for name in ("root", "targets", "snapshot", "timestamp")}
    signed = metadata.Root(
        version=version,
        expires=expires.astimezone(UTC).replace(microsecond=0, tzinfo=UTC),
        keys={key.keyid: key for key in held},
        roles=role,
        consistent_snapshot=False,
        unrecognized_fields={_PARTIES: [party.to_json() for party in parties]},
    )
    return bytes(metadata.Metadata(signed).to_bytes())


def sign_root(data: bytes, key: SigningKey, where: str) -> bytes:
    """Add one signature. Raises `EvidenceError` when the key is none of those that may sign this root."""
    metadata, ssl_key = _tuf()
    read = _parsed(data, where)
    public = ssl_key.from_crypto(_crypto(key.public))
    if public.keyid not in read.signed.keys:
        raise EvidenceError(
            Text("does not name this key among those that may sign it", "未将该密钥列为可签名的密钥"), where
        )
    signature = metadata.Signature(public.keyid, key.sign(read.signed_bytes).hex())
    read.signatures[public.keyid] = signature
    return bytes(read.to_bytes())


def read_root(data: bytes, where: str, *, at: datetime, previous: bytes | None = None) -> TrustRoot:
    """A root that enough of its keys signed and that has not expired. Raises `EvidenceError` otherwise.

    With `previous`, a root that is trusted already, the new one must be its next version and be signed by a threshold
    of both.
    """
    read = _parsed(data, where)
    signed = read.signed
    result = signed.get_verification_result("root", read.signed_bytes, read.signatures)
    if not result.verified:
        raise EvidenceError(
            Text(
                f"is signed by {len(result.signed)} of the {result.threshold} keys it needs",
                f"需要 {result.threshold} 把密钥签名，实有 {len(result.signed)} 把",
            ),
            where,
            Text(
                "collect the missing signatures with `touchstone trust sign`", "请用 `touchstone trust sign` 补足签名"
            ),
        )
    if previous is not None:
        before = _parsed(previous, where).signed
        old = before.get_verification_result("root", read.signed_bytes, read.signatures)
        if signed.version != before.version + 1 or not old.verified:
            raise EvidenceError(
                Text(
                    f"does not follow the pinned root, version {before.version}: "
                    "it must be the next version and be signed by the threshold of the pinned one as well",
                    f"与已固定的第 {before.version} 版信任根不衔接：须为其下一版，且须由原阈值的密钥共同签名",
                ),
                where,
            )
    expires = signed.expires
    if at >= expires:
        raise EvidenceError(
            Text(f"expired on {expires:%Y-%m-%d}", f"已于 {expires:%Y-%m-%d} 到期"),
            where,
            Text("get the current root from those who sign it", "请向其签署方获取现行版本"),
        )
    return TrustRoot(
        version=signed.version,
        expires=expires,
        threshold=result.threshold,
        keys=tuple(sorted(signed.roles["root"].keyids)),
        signed_by=tuple(sorted(result.signed)),
        trusted=Trusted(_parties(signed.unrecognized_fields.get(_PARTIES, []), where)),
    )


def _parties(value: Any, where: str) -> tuple[Party, ...]:
    if not isinstance(value, list):
        raise EvidenceError(Text("does not list its parties", "未列出各方"), where)
    parties = tuple(Party.from_json(party, where) for party in value)
    for party in parties:
        _ = party.key_id  # a party whose key is none must be found now, not when it is needed
    return parties


def _parsed(data: bytes, where: str) -> Metadata[TufRoot]:
    metadata, _ = _tuf()
    from tuf.api.serialization import DeserializationError

    if len(data) > LARGEST_ROOT:
        raise EvidenceError(Text(f"is larger than {LARGEST_ROOT} bytes", f"大于 {LARGEST_ROOT} 字节"), where)
    try:
        read: Metadata[Any] = metadata.Metadata.from_bytes(data)
    except (DeserializationError, RecursionError):
        raise EvidenceError(Text("is not a trust root (TUF root.json)", "不是信任根（TUF root.json）"), where) from None
    if read.signed.type != "root":
        raise EvidenceError(Text("is TUF metadata, but not a root", "是 TUF 元数据，但不是信任根"), where)
    return read


def _crypto(key: VerifyingKey) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    return load_der_public_key(key.spki)


def _tuf() -> tuple[Any, Any]:
    """python-tuf's Metadata API and the key class of securesystemslib. Raises `UnavailableError` without them."""
    try:
        from securesystemslib.signer import SSlibKey
        from tuf.api import metadata
    except ModuleNotFoundError:
        raise UnavailableError(
            Text("trust roots need python-tuf, which is not installed", "信任根需要 python-tuf，但尚未安装"),
            remedy=Text("pip install 'touchstone[trust]'", "pip install 'touchstone[trust]'"),
        ) from None
    return metadata, SSlibKey
