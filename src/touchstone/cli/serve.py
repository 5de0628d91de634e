"""`touchstone serve`: the reference service, a system's own model behind HTTP with limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say

if TYPE_CHECKING:
    from touchstone.service.server import InferenceService


@click.command(
    name="serve",
    help=say(
        "Serve the model of SYSTEM over the Open Inference Protocol v2, with credentials and limits. A reference to "
        "test against, and to compare a service with.",
        "通过 Open Inference Protocol v2 提供 SYSTEM 的模型服务，带凭据与各项限制；可作为测试与比对的参考服务。",
    ),
)
@click.argument("system", type=click.Path(path_type=Path))
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    required=True,
    help=say("file with one bearer token a line, each for one client", "令牌文件，每行一个令牌，对应一个客户端"),
)
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help=say("HOST:PORT", "地址:端口"))
@click.option(
    "--rate",
    type=click.FloatRange(min=0.1, max=10_000),
    default=50.0,
    show_default=True,
    help=say("requests per second of one client", "每个客户端每秒请求数"),
)
def command(system: Path, token_file: Path, listen: str, rate: float) -> None:
    """Serve until interrupted."""
    service = _service(system, token_file, listen, rate)
    click.echo(f"{service.url}{service.served.described_at}")
    try:
        service.serve_forever()
    finally:
        service.server_close()


def _service(system: Path, token_file: Path, listen: str, rate: float) -> InferenceService:
    import numpy as np

    from touchstone.api import open_system
    from touchstone.cli.listening import address, cannot_listen, tokens
    from touchstone.records import Access
    from touchstone.service.open_inference import Inference, Interface
    from touchstone.service.server import InferenceService, Limits
    from touchstone.system.samples import sample_shape

    where, known, subject = address(listen), tokens(token_file), open_system(system)
    declared, model = subject.description.model, subject.model()
    classes = len(declared.output.labels)

    def scores(samples: np.ndarray) -> np.ndarray:
        if declared.output.kind != "labels" and subject.access.allows(Access.PROBABILITIES):
            return model.probabilities(samples)
        return np.eye(classes)[model.labels(samples)]

    shape = None if declared.input.kind == "text" else sample_shape(declared.input)
    name = "".join(
        letter if letter.isascii() and letter.isalnum() else "-" for letter in subject.description.system.name
    )
    interface = Interface(name, shape, most_samples=64)
    limits = Limits(rate=rate, burst=max(int(rate), 1))
    try:
        return InferenceService(where, Inference(interface, classes, scores), known, limits)
    except OSError as error:
        raise cannot_listen(listen, error) from None
