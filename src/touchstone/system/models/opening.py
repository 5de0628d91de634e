"""Opening the model of a subject: from the declared format and access to a handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from touchstone.errors import DescriptionError, UnavailableError, UserError
from touchstone.records import Access
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.models.handle import ModelHandle
    from touchstone.system.subject import Subject


Runtime = Literal["onnxruntime", "openvino"]


def open_model(subject: Subject, runtime: Runtime | None = None) -> ModelHandle:
    """The handle for the subject's model, limited to the access the applicant gave, smoothed where that is declared.

    An ONNX model runs on the `runtime` named, by default on ONNX Runtime.

    Raises `ArtifactError` for a model that is unsafe, broken or not as declared, and `UnavailableError` when it
    needs an extra that is not installed, or is not handed in at all.
    """
    smoothing = subject.description.model.smoothing
    model = open_unsmoothed(subject, runtime)
    if smoothing is None:
        return model
    from touchstone.system.models.smoothed import SmoothedModel

    return SmoothedModel(model, smoothing.sigma, smoothing.samples, smoothing.seed)


def open_unsmoothed(subject: Subject, runtime: Runtime | None = None) -> ModelHandle:
    """The handle for the model itself, whatever is declared about noise. Raises like :func:`open_model`."""
    declaration = subject.description.model
    if declaration.task == "generation":
        raise UnavailableError(
            Text("a model that generates texts names no classes", "生成文本的模型不输出类别"),
            "model.task",
            Text("this part of the standard is for classifiers", "标准的该部分适用于分类模型"),
        )
    if declaration.task != "classification":
        raise UnavailableError(
            Text("regression models cannot be opened yet", "暂不支持打开回归模型"),
            "model.task",
            Text("assess the controls that need no model handle", "可评测不需要模型句柄的控制项"),
        )
    if declaration.format == "predictions" or declaration.access is Access.PREDICTIONS:
        from touchstone.system.models.predictions import open_predictions

        return open_predictions(subject)
    if declaration.format == "http":
        from touchstone.system.models.http import open_service

        return open_service(declaration)
    path = _model_file(subject)
    if declaration.format == "onnx":
        from touchstone.system.models.onnx import open_onnx

        if runtime == "openvino":
            from touchstone.system.models.openvino import OpenVinoSession

            return open_onnx(subject, path, OpenVinoSession)
        return open_onnx(subject, path)
    if declaration.format == "skops":
        from touchstone.system.models.sklearn import open_skops

        return open_skops(subject, path)
    from touchstone.system.models.torch import open_safetensors, open_torch_export

    return open_safetensors(subject, path) if declaration.format == "safetensors" else open_torch_export(subject, path)


def _model_file(subject: Subject) -> str:
    path = subject.description.model.file
    if path is None:
        problem = UserError(
            Text("names no model file", "未给出模型文件"),
            "model.file",
            Text("give the path of the model file", "请给出模型文件的路径"),
        )
        raise DescriptionError([problem])
    return path
