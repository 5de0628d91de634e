"""`touchstone model`: sign a model's files, compare a model with its signature, and its weights with others'."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from touchstone.cli.language import chosen, say
from touchstone.cli.model_lineage import lineage, tensors
from touchstone.cli.signing import PASSPHRASE_FILE


@click.group("model", help=say("Sign and verify the files of a model.", "签名与验证模型文件。"))
def command() -> None:
    """Groups the model commands."""


command.add_command(tensors)
command.add_command(lineage)


@command.command(
    "sign",
    help=say(
        "Sign every file of MODEL, a folder or one file, in the format of OpenSSF Model Signing.",
        "以 OpenSSF Model Signing 格式对 MODEL（文件夹或单个文件）的全部文件签名。",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path), help=say("signing key", "签名密钥"))
@PASSPHRASE_FILE
@click.option(
    "--signature",
    "signature_file",
    type=click.Path(path_type=Path),
    help=say("file to write; MODEL.sig by default", "写入的文件，默认为 MODEL.sig"),
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATH",
    help=say(
        "leave out this path inside MODEL, as .git, .gitattributes, .github, .gitignore are; the signature says so",
        "排除 MODEL 内的该路径（.git、.gitattributes、.github、.gitignore 默认排除）；签名中会列明",
    ),
)
def sign(
    model: Path, key_file: Path, passphrase_file: Path | None, signature_file: Path | None, exclude: tuple[str, ...]
) -> None:
    """Hash, sign, write; never overwrites a signature."""
    from touchstone.cli.signing import signing_key
    from touchstone.errors import EvidenceError
    from touchstone.evidence.files import write_durably
    from touchstone.system.model_signing import DEFAULT_EXCLUSIONS, sign_model
    from touchstone.text import Text

    target = model.absolute().with_name(model.absolute().name + ".sig") if signature_file is None else signature_file
    if os.path.lexists(target):
        raise EvidenceError(
            Text("exists already and is not overwritten", "已存在，不会覆盖"),
            str(target),
            Text("choose another name with --signature", "请用 --signature 指定其他名称"),
        )
    exclusions = {*DEFAULT_EXCLUSIONS, *exclude, *_inside(model, target)}
    data = sign_model(model, signing_key(key_file, passphrase_file), exclusions)
    write_durably(target, data)
    click.echo(say(f"signature: {target}", f"签名：{target}"))
    click.echo(say("not signed, where present: ", "未签名（如存在）：") + ", ".join(sorted(exclusions)))


@command.command(
    "verify",
    help=say(
        "Read MODEL again and compare it with its signature, made by `touchstone model sign` or `model_signing`.",
        "重新读取 MODEL 并与其签名比对；签名可由 `touchstone model sign` 或 `model_signing` 生成。",
    ),
    epilog=say(
        "Exit codes: 0 every file is as signed, 1 some file is not, 2 wrong input.",
        "退出码：0 全部文件与签名一致；1 有文件不一致；2 输入有误。",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path),
    help=say("public key of the signer, from the signer", "签名方的公钥，须由签名方本身提供"),
)
@click.option(
    "--signature",
    "signature_file",
    type=click.Path(path_type=Path),
    help=say("signature to read; MODEL.sig by default", "读取的签名文件，默认为 MODEL.sig"),
)
def verify(model: Path, key_file: Path, signature_file: Path | None) -> None:
    """Print what was signed and every file that differs; exits with 1 when there is one."""
    from touchstone.evidence.files import read_regular
    from touchstone.signatures.keys import load_public_key
    from touchstone.system.model_signing import LARGEST_SIGNATURE, verify_model

    source = model.absolute().with_name(model.absolute().name + ".sig") if signature_file is None else signature_file
    key = load_public_key(key_file)
    data = read_regular(source, str(source), largest=LARGEST_SIGNATURE)
    found = verify_model(model, data, str(source), key, _inside(model, source))
    for name, text in found.problems:
        click.echo(f"✗ {name}: {text.render(chosen())}")
    for path in found.uncovered:
        click.echo("! " + say(f"{path}: left out by the signer, not verified", f"{path}：签名方已排除，未作验证"))
    if found.problems:
        sys.exit(1)
    click.echo("✓ " + say(f"all {found.files} files are as signed", f"全部 {found.files} 个文件与签名一致"))
    click.echo(say("model digest", "模型摘要") + f" {found.digest}")


def _inside(model: Path, signature: Path) -> tuple[str, ...]:
    """The signature's own path inside the model's folder; nothing when it lies elsewhere."""
    root, place = model.resolve(), signature.resolve()
    return (place.relative_to(root).as_posix(),) if root in place.parents else ()
