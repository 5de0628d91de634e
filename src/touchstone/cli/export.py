"""`touchstone export`: what follows from the evidence, in other people's formats."""

from __future__ import annotations

from pathlib import Path

import click

from touchstone.cli.export_receipts import cose, sigstore, sm2, trusted_root
from touchstone.cli.language import say


@click.group("export", help=say("Write evidence in other people's formats.", "以其他格式输出证据。"))
def command() -> None:
    """Groups the export commands."""


@command.command(
    "documents",
    help=say(
        "Write OSCAL, CycloneDX, SARIF, AVID and in-toto documents, drawn from the records of a bundle.",
        "由证据包中的记录生成 OSCAL、CycloneDX、SARIF、AVID 与 in-toto 文档。",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help=say("new folder to write into", "要写入的新文件夹"),
)
def documents(bundle: Path, output: Path) -> None:
    """Write the documents of the bundle at, or in the output folder, BUNDLE."""
    from touchstone.evidence.projections import project_all, source_of
    from touchstone.laboratory.rejudging import find_bundle

    if output.exists():
        raise click.UsageError(say(f"{output} exists already", f"{output} 已存在"))
    opened = find_bundle(bundle)
    written = project_all(source_of(opened)) | _of_certificate(bundle, opened.manifest_digest)
    for name, content in written.items():
        path = output / Path(name).relative_to("projections")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        click.echo(str(path))


def _of_certificate(folder: Path, evidence: str) -> dict[str, bytes]:
    """What follows from the certificate beside the bundle, which came after it and so is not in it."""
    from touchstone.errors import EvidenceError
    from touchstone.evidence.certificate import Certificate
    from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope
    from touchstone.evidence.files import read_regular
    from touchstone.evidence.layout import StatementName
    from touchstone.evidence.projections import simple_verification_result
    from touchstone.text import Text

    file = StatementName.CERTIFICATE.file
    if not (folder / file).exists():
        return {}
    envelope = Envelope.from_bytes(read_regular(folder / file, file, largest=LARGEST_ENVELOPE), file)
    certificate = Certificate.from_json(envelope.statement(file).predicate, file)
    if certificate.decision.basis.evidence != evidence:
        raise EvidenceError(Text("rests on other evidence", "所依据的是其他证据"), file)
    return {"projections/in-toto/svr.json": simple_verification_result(certificate).to_bytes()}


for subcommand in (sigstore, trusted_root, cose, sm2):
    command.add_command(subcommand)
