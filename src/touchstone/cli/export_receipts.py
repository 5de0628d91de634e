"""`touchstone export sigstore | trusted-root | cose | sm2`: receipts and signatures as other verifiers want them."""

from __future__ import annotations

from pathlib import Path

import click

from touchstone.cli.language import say
from touchstone.cli.signing import PASSPHRASE_FILE

_PATH = click.Path(path_type=Path)
_LOG_KEY = click.option("--log-key", required=True, type=_PATH, help=say("public key of the log", "日志的公钥"))


@click.command(
    "sigstore",
    help=say(
        "Write every statement in OUT that has a receipt and a timestamp also as a Sigstore bundle, for cosign.",
        "将 OUT 中具备回执与时间戳的声明另存为 Sigstore 包，供 cosign 使用。",
    ),
)
@click.argument("out", type=_PATH)
@click.option("--key", required=True, type=_PATH, help=say("public key of the signer", "签名者的公钥"))
@_LOG_KEY
def sigstore(out: Path, key: Path, log_key: Path) -> None:
    """Write the bundles beside the receipts."""
    from touchstone.errors import EvidenceError
    from touchstone.laboratory.issuing import write_sigstore_bundles
    from touchstone.signatures.keys import load_log_public_key, load_public_key
    from touchstone.text import Text

    files = _statements(out)
    written = write_sigstore_bundles(out, files, load_public_key(key), load_log_public_key(log_key))
    if not written:
        raise EvidenceError(
            Text("holds no statement with both a receipt and a timestamp", "其中没有同时具备回执与时间戳的声明"),
            str(out),
            Text("assess with --log and --tsa", "请在测评时使用 --log 与 --tsa"),
        )
    for path in written:
        click.echo(str(out / path))


@click.command(
    "trusted-root",
    help=say(
        "Print a log's and a timestamping authority's keys as Sigstore's trusted_root.json.",
        "以 Sigstore 的 trusted_root.json 格式输出日志与时间戳机构的密钥。",
    ),
)
@click.option("--origin", required=True, help=say("name of the log, a host name", "日志名称，须为主机名"))
@_LOG_KEY
@click.option(
    "--tsa-certificate",
    required=True,
    type=_PATH,
    help=say(
        "certificates of the timestamping authority, from its own to the root", "时间戳机构的证书，自其本身直至根"
    ),
)
def trusted_root(origin: str, log_key: Path, tsa_certificate: Path) -> None:
    """Print what cosign takes as --trusted-root."""
    from touchstone.evidence.sigstore_bundle import NamedLog
    from touchstone.evidence.sigstore_bundle import trusted_root as render
    from touchstone.evidence.timestamp import Authority
    from touchstone.signatures.keys import load_log_public_key, read_key_file

    log = NamedLog(origin, load_log_public_key(log_key))
    authority = Authority.of_pem(read_key_file(tsa_certificate), str(tsa_certificate))
    click.echo(render([log], [authority]).decode())


@click.command(
    "cose",
    help=say(
        "Write a COSE receipt (RFC 9942) beside every receipt in OUT, signed with a key of its own.",
        "为 OUT 中的每个回执另写 COSE 回执（RFC 9942），以专用密钥签名。",
    ),
)
@click.argument("out", type=_PATH)
@click.option("--key", required=True, type=_PATH, help=say("public key of the signer", "签名者的公钥"))
@click.option(
    "--receipt-key",
    required=True,
    help=say("signing key for receipts (keys generate --for log)", "回执的签名密钥（keys generate --for log）"),
)
@PASSPHRASE_FILE
def cose(out: Path, key: Path, receipt_key: str, passphrase_file: Path | None) -> None:
    """Sign the root again for verifiers that speak COSE."""
    from touchstone.cli.signing import log_signing_key
    from touchstone.laboratory.issuing import write_cose_receipts
    from touchstone.signatures.keys import load_public_key

    signer = load_public_key(key)
    for path in write_cose_receipts(out, _statements(out), signer, log_signing_key(receipt_key, passphrase_file)):
        click.echo(str(out / path))


@click.command(
    "sm2",
    help=say(
        "Sign every statement in OUT once more with SM2, in a second envelope over the same bytes (needs openssl 3).",
        "以 SM2 对 OUT 中的每个声明再次签名，另存为内容逐字节相同的第二信封（需 openssl 3）。",
    ),
)
@click.argument("out", type=_PATH)
@click.option("--key", required=True, type=_PATH, help=say("public key of the signer", "签名者的公钥"))
@click.option(
    "--sm2-key",
    required=True,
    type=_PATH,
    help=say("private SM2 key (openssl genpkey -algorithm SM2)", "SM2 私钥（openssl genpkey -algorithm SM2）"),
)
@PASSPHRASE_FILE
def sm2(out: Path, key: Path, sm2_key: Path, passphrase_file: Path | None) -> None:
    """Write the second envelopes beside the first."""
    from touchstone.cli.signing import passphrase_of
    from touchstone.laboratory.sm2_signing import Sm2Key, write_sm2_envelopes
    from touchstone.signatures.keys import load_public_key

    signing = Sm2Key(sm2_key, passphrase_of(str(sm2_key), passphrase_file))
    for path in write_sm2_envelopes(out, _statements(out), load_public_key(key), signing):
        click.echo(str(out / path))


def _statements(out: Path) -> list[str]:
    """Files of the signed statements in an output folder."""
    from touchstone.evidence.layout import StatementName

    return [name.file for name in StatementName if (out / name.file).is_file()]
