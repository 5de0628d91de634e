"""A statement key in a PKCS#11 device: a smart card, a security module, or SoftHSM.

The device is asked for the plain operation CKM_ECDSA over a SHA-256 digest, which every device knows, and the key
never leaves it. Needs the extra `pkcs11`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from touchstone.errors import EvidenceError, UnavailableError
from touchstone.signatures.keys import SigningKey, VerifyingKey
from touchstone.text import Text

_SHAPE = re.compile(r"pkcs11:(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?")
_ATTRIBUTES = {"token", "serial", "object", "id"}
_EXAMPLE = "pkcs11:token=lab;object=statements?module-path=/usr/lib/softhsm/libsofthsm2.so"


@dataclass(frozen=True, slots=True)
class Place:
    """Which key of which device, as a PKCS#11 URI says it (RFC 7512)."""

    module: str
    """Path of the maker's shared library."""
    token: str | None
    serial: bytes | None
    label: str | None
    key_id: bytes | None

    @classmethod
    def parse(cls, uri: str) -> Place:
        """Read a URI. Raises `EvidenceError` unless it names a module and a key."""
        shape = _SHAPE.fullmatch(uri)
        path = _pairs(shape["path"], ";", uri) if shape else {}
        query = _pairs(shape["query"], "&", uri) if shape and shape["query"] else {}
        unknown = sorted((path.keys() - _ATTRIBUTES) | (query.keys() - {"module-path"}) - {"pin-value", "pin-source"})
        if {"pin-value", "pin-source"} & query.keys():
            raise EvidenceError(
                Text("holds a PIN, which does not belong on a command line", "含有 PIN，不应出现在命令行中"),
                uri.partition("?")[0],
                Text(
                    "put the PIN into a passphrase file, or type it when asked", "请将 PIN 放入口令文件，或在提示时输入"
                ),
            )
        if unknown or "module-path" not in query or not {"object", "id"} & path.keys():
            raise EvidenceError(
                Text(
                    "does not name a key: module-path, and object or id, are needed; token and serial may be given",
                    "未指明密钥：须给出 module-path 以及 object 或 id，可另给 token 与 serial",
                ),
                uri,
                Text(f"for example {_EXAMPLE}", f"例如 {_EXAMPLE}"),
            )
        text = {name: value.decode("utf-8", "replace") for name, value in (path | query).items()}
        return cls(text["module-path"], text.get("token"), path.get("serial"), text.get("object"), path.get("id"))


def open_device_key(uri: str, pin: bytes | None) -> SigningKey:
    """The statement key that a PKCS#11 URI names; `pin` unlocks the device.

    Raises `UnavailableError` without the extra `pkcs11`, `EvidenceError` when the device does not have the key.
    """
    place = Place.parse(uri)
    try:
        import pkcs11
    except ImportError:
        raise UnavailableError(
            Text("devices need the extra `pkcs11`", "使用密码设备需要可选组件 `pkcs11`"),
            uri,
            Text("pip install 'touchstone[pkcs11]'", "pip install 'touchstone[pkcs11]'"),
        ) from None

    @contextmanager
    def session() -> Iterator[pkcs11.Session]:
        """Unlock the device for one use only."""
        try:
            device = pkcs11.lib(place.module).get_token(token_label=place.token, token_serial=place.serial)
            with device.open(user_pin=None if pin is None else pin.decode()) as opened:
                yield opened
        except (RuntimeError, UnicodeDecodeError) as error:  # every fault of a device is a RuntimeError
            raise _refused(uri, error) from None

    def half(opened: pkcs11.Session, kind: pkcs11.ObjectClass) -> pkcs11.Key:
        return opened.get_key(object_class=kind, key_type=pkcs11.KeyType.EC, label=place.label, id=place.key_id)

    def sign(message: bytes) -> bytes:
        with session() as opened:
            key = cast("pkcs11.SignMixin", half(opened, pkcs11.ObjectClass.PRIVATE_KEY))
            raw = key.sign(hashlib.sha256(message).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))

    with session() as opened:
        half(opened, pkcs11.ObjectClass.PRIVATE_KEY)
        point = half(opened, pkcs11.ObjectClass.PUBLIC_KEY)[pkcs11.Attribute.EC_POINT]
    return SigningKey(_public(point, uri), sign)


def _public(point: bytes, uri: str) -> VerifyingKey:
    """A device gives the point as a DER octet string (PKCS#11 2.40), old ones without its two bytes of head."""
    try:
        return VerifyingKey.of(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(point[-65:])))
    except ValueError:
        raise EvidenceError(Text("is not a key on P-256", "不是 P-256 密钥"), uri) from None


def _pairs(text: str, separator: str, uri: str) -> dict[str, bytes]:
    pairs: dict[str, bytes] = {}
    for pair in text.split(separator) if text else []:
        name, equals, value = pair.partition("=")
        if not equals or name in pairs:
            raise EvidenceError(Text(f"has a part that says nothing: {pair!r}", f"含有无意义的部分：{pair!r}"), uri)
        pairs[name] = unquote_to_bytes(value)
    return pairs


def _refused(uri: str, error: Exception) -> EvidenceError:
    reason = str(error) or type(error).__name__
    return EvidenceError(
        Text(f"the device refuses: {reason}", f"设备拒绝：{reason}"),
        uri,
        Text(
            "check module-path, token, object and PIN; the device must hold both halves of the key",
            "请检查 module-path、token、object 与 PIN；设备须同时存有密钥的两半",
        ),
    )
