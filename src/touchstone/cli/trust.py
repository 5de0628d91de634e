"""`touchstone trust`: the root that says who is whom, and recognition of other issuers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say
from touchstone.cli.signing import PASSPHRASE_FILE

if TYPE_CHECKING:
    from touchstone.evidence.root import TrustRoot

_FILE = click.Path(path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])


@click.group(
    "trust",
    help=say(
        "Keep a trust root with keys held offline, and recognise other issuers.",
        "以离线密钥维护信任根，并承认其他发证方。",
    ),
)
def command() -> None:
    """Groups the commands about trust."""


@command.command(
    "init",
    help=say(
        "Write a new, unsigned root: the parties in PARTIES (YAML), to be signed by a threshold of the root keys.",
        "写出未签名的新信任根：各方取自 PARTIES（YAML），须由达到阈值的根密钥签名。",
    ),
)
@click.argument("parties", type=_FILE)
@click.option(
    "--root-key",
    "root_keys",
    multiple=True,
    required=True,
    type=_FILE,
    help=say("public key of one who signs the root (repeatable)", "信任根签署人的公钥（可重复）"),
)
@click.option("--threshold", required=True, type=click.IntRange(min=1), help=say("how many must sign", "须签名的人数"))
@click.option("--expires", required=True, type=_DAY, help=say("last day (UTC)", "到期日（UTC）"))
@click.option("--number", type=click.IntRange(min=1), default=1, show_default=True, help=say("version", "版本号"))
@click.option("--output", required=True, type=_FILE, help=say("file to write", "输出文件"))
def init(
    parties: Path, root_keys: tuple[Path, ...], threshold: int, expires: datetime, number: int, output: Path
) -> None:
    """Collect the keys that PARTIES names and write them into a root."""
    from touchstone.evidence.files import write_durably
    from touchstone.evidence.parties import read_parties
    from touchstone.evidence.root import new_root
    from touchstone.signatures.keys import load_public_key

    keys = [load_public_key(path) for path in root_keys]
    root = new_root(keys, threshold, read_parties(parties), expires.replace(tzinfo=UTC), version=number)
    write_durably(output, root)
    click.echo(
        say(
            f"{output}: to be signed by {threshold} of {len(keys)}",
            f"{output}：须由 {len(keys)} 人中的 {threshold} 人签名",
        )
    )


@command.command("sign", help=say("Add one signature to a root.", "为信任根添加一个签名。"))
@click.argument("root", type=_FILE)
@click.option("--key", required=True, help=say("your root key", "您的根密钥"))
@PASSPHRASE_FILE
def sign(root: Path, key: str, passphrase_file: Path | None) -> None:
    """Sign on a machine without a network; carry the file to the next person."""
    from touchstone.cli.signing import signing_key
    from touchstone.evidence.files import read_regular, write_durably
    from touchstone.evidence.root import LARGEST_ROOT, sign_root

    data = read_regular(root, str(root), largest=LARGEST_ROOT)
    write_durably(root, sign_root(data, signing_key(key, passphrase_file), str(root)))
    click.echo(say(f"{root}: signed", f"{root}：已签名"))


@command.command("verify", help=say("Check that enough keys signed a root.", "检查信任根的签名是否达到阈值。"))
@click.argument("root", type=_FILE)
@click.option(
    "--pinned",
    type=_FILE,
    help=say("the root you trust now, of which this is the next version", "您现用的信任根（上一版）"),
)
def verify(root: Path, pinned: Path | None) -> None:
    """Exit 2 with the reason when it cannot be trusted."""
    found = _read(root, pinned)
    click.echo(
        say(
            f"version {found.version}: signed by {len(found.signed_by)}, {found.threshold} needed; "
            f"until {found.expires:%Y-%m-%d}",
            f"第 {found.version} 版：已有 {len(found.signed_by)} 人签名，阈值 {found.threshold}；"
            f"至 {found.expires:%Y-%m-%d}",
        )
    )


@command.command("show", help=say("List the parties in a root.", "列出信任根中的各方。"))
@click.argument("root", type=_FILE)
def show(root: Path) -> None:
    """Print one line for each party and role."""
    from touchstone.evidence.trust import ROLE_NAMES

    for party in _read(root, None).trusted.parties:
        roles = ", ".join(ROLE_NAMES[role].render(chosen()) for role in party.roles)
        scope = " ".join((*party.profiles, *party.levels))
        compromised = party.compromised and say(f"compromised {party.compromised}", f"失密 {party.compromised}")
        parts = (party.name, roles, party.key_id, scope, compromised)
        text = "  ".join(part for part in parts if part)
        click.echo("".join(character if character.isprintable() else "�" for character in text))


@command.command(
    "recognise",
    help=say(
        "Sign that certificates by the holder of ISSUER_KEY are recognised.", "签名承认 ISSUER_KEY 持有者所发的证书。"
    ),
)
@click.argument("issuer_key", type=_FILE)
@click.option("--issuer", required=True, help=say("name of the recognised issuer", "被承认发证方的名称"))
@click.option("--profile", "profiles", multiple=True, required=True, help=say("profile (repeatable)", "档案（可重复）"))
@click.option(
    "--level", "levels", multiple=True, required=True, help=say("assurance level (repeatable)", "保证级别（可重复）")
)
@click.option("--until", required=True, type=_DAY, help=say("until then (UTC)", "截止时间（UTC）"))
@click.option("--recogniser", required=True, help=say("name of who recognises", "承认方名称"))
@click.option("--key", required=True, help=say("signing key of who recognises", "承认方的签名密钥"))
@PASSPHRASE_FILE
@click.option("--output", required=True, type=_FILE, help=say("file to write", "输出文件"))
def recognise(
    issuer_key: Path,
    issuer: str,
    profiles: tuple[str, ...],
    levels: tuple[str, ...],
    until: datetime,
    recogniser: str,
    key: str,
    passphrase_file: Path | None,
    output: Path,
) -> None:
    """Write the signed recognition; hand it out with certificates or publish it."""
    from touchstone.cli.signing import signing_key
    from touchstone.evidence import recognition
    from touchstone.evidence.envelope import sign as sign_statement
    from touchstone.evidence.files import write_durably
    from touchstone.signatures.keys import load_public_key

    statement = recognition.recognise(
        issuer,
        load_public_key(issuer_key),
        recogniser=recogniser,
        profiles=profiles,
        levels=levels,
        issued=datetime.now(UTC),
        until=until.replace(tzinfo=UTC),
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    write_durably(output, sign_statement(statement, signing_key(key, passphrase_file)).to_bytes())
    click.echo(output)


def _read(root: Path, pinned: Path | None) -> TrustRoot:
    from touchstone.evidence.files import read_regular
    from touchstone.evidence.root import LARGEST_ROOT, read_root

    previous = None if pinned is None else read_regular(pinned, str(pinned), largest=LARGEST_ROOT)
    data = read_regular(root, str(root), largest=LARGEST_ROOT)
    return read_root(data, str(root), at=datetime.now(UTC), previous=previous)
