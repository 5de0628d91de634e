"""OpenVINO as the runtime of an ONNX model: the same file, computed by other kernels, as on many edge computers.

One thread, one stream, and arithmetic as exact as the file states it: a processor that would compute in half precision
by itself does so only where the model says so.

Source: docs.openvino.ai, CPU device, and EXECUTION_MODE_HINT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from touchstone.errors import ArtifactError, UnavailableError
from touchstone.system.models.answers import first_line
from touchstone.text import Text

_SETTINGS = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "EXECUTION_MODE_HINT": "ACCURACY"}


class OpenVinoSession:
    """A compiled model that is asked as a session of ONNX Runtime is."""

    def __init__(self, data: bytes, where: str) -> None:
        """Compile an ONNX file.

        Raises `ArtifactError` when OpenVINO refuses it, `UnavailableError` when it is not installed.
        """
        try:
            import openvino
        except ImportError:
            raise UnavailableError(
                Text("runs on OpenVINO, which is not installed", "运行于 OpenVINO，但尚未安装"),
                where,
                Text("pip install 'touchstone[openvino]'", "请执行 pip install 'touchstone[openvino]'"),
            ) from None
        try:
            core = openvino.Core()
            self._model = core.compile_model(core.read_model(data), "CPU", _SETTINGS)
        except Exception as error:  # the runtime has no common base for its own errors
            raise ArtifactError(
                Text(f"OpenVINO refuses it: {first_line(error)}", f"OpenVINO 拒绝加载：{first_line(error)}"),
                where,
                Text("export the model with operators that OpenVINO has", "请以 OpenVINO 支持的算子导出模型"),
            ) from None

    def run(self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The named outputs for one batch."""
        answer = self._model(inputs)
        return [answer[name] for name in outputs]
