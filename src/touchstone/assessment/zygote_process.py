"""The zygote as its parent sees it. Started early, it imports while the parent still opens and plans."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from types import TracebackType
from typing import IO, Self

from touchstone.assessment.zygote import JOB
from touchstone.system.models.http_connection import OTHER_TOKEN_VARIABLE, TOKEN_VARIABLE
from touchstone.system.tool_gateway import TOKEN_PREFIX

INHERITED_VARIABLES = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "VIRTUAL_ENV")
TOKEN_VARIABLES = (TOKEN_VARIABLE, OTHER_TOKEN_VARIABLE)
"""Credentials, which only workers that talk to the service under test are told."""
RUNTIMES = {
    "onnx": ("onnxruntime",),
    "skops": ("sklearn.ensemble", "skops.io"),
    "safetensors": ("torch", "safetensors"),
    "torch-export": ("torch",),
}
"""What the models of each format need imported: once in the zygote instead of in every worker."""


class ZygoteProcess:
    """A running zygote; `control` is where it hears of jobs and tells what became of them."""

    def __init__(self, model_format: str, output: IO[bytes] | None = None) -> None:
        """Start one for models of a format. What it and its workers print goes to `output`, for debugging."""
        self.model_format = model_format
        self.output = output
        self.control, theirs = socket.socketpair()
        inherited: tuple[str, ...] = INHERITED_VARIABLES
        if model_format == "http":
            inherited += (*TOKEN_VARIABLES, *(name for name in os.environ if name.startswith(TOKEN_PREFIX)))
        environment = {name: os.environ[name] for name in inherited if name in os.environ}
        # One thread per worker: results must not depend on how many cores there are, and jobs share them.
        environment |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        runtimes = RUNTIMES.get(model_format, ())
        printed: IO[bytes] | int = subprocess.DEVNULL if output is None else output
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "touchstone.assessment.zygote", str(theirs.fileno()), *runtimes],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                env=environment,
            )

    def take(self, job: int, descriptor: int) -> None:
        """Hand over a job with its socket. Raises `OSError` when the zygote is gone."""
        socket.send_fds(self.control, [JOB.pack(job)], [descriptor])

    def again(self) -> ZygoteProcess:
        """A new zygote like this one."""
        return ZygoteProcess(self.model_format, self.output)

    def close(self) -> None:
        """End it; its workers end with it. Closing twice does no harm."""
        self.control.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
