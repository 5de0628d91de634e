"""One reader for each format. A reader is imported when the first file of its format is met.

A reader takes a `Source` and an `Examination`, accounts for every byte or says which it did not understand, and
never trusts a length, count, name or offset before it has compared it with what is there. What it may not do: execute
or import anything of a file, allocate what a header claims, follow a path that a file names.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from touchstone.scan.examination import Reader

_HERE = "touchstone.scan.formats"

READERS: Final[dict[str, tuple[str, str]]] = {
    # format: module below this package, function
    # ---- pickle and arrays
    "pickle": ("pickle", "read_pickle"),
    "torch-pickle": ("pickle", "read_torch_pickle"),
    "npy": ("npy", "read_npy"),
    "joblib-zfile": ("joblib_zfile", "read_zfile"),
    # ---- containers
    "zip": ("zip", "read_zip"),
    "tar": ("tar", "read_tar"),
    "7z": ("seven_zip", "read_seven_zip"),
    "gzip": ("compressed", "read_gzip"),
    "zlib": ("compressed", "read_zlib"),
    "bzip2": ("compressed", "read_bzip2"),
    "xz": ("compressed", "read_xz"),
    "lzma": ("compressed", "read_lzma"),
    "zstd": ("compressed", "read_zstd"),
    "lz4": ("compressed", "read_lz4"),
    "stable-baselines3-data": ("stable_baselines3", "read_data"),
    "torch-storage": ("torch_archive", "read_storage"),
    "torchscript-code": ("torchscript", "read_code"),
    "torchscript-pickle": ("torchscript", "read_pickle"),
    "torchscript-bytecode": ("torchscript", "read_bytecode"),
    "torch-export-program": ("torch_export", "read_program"),
    "torch-export-weight": ("torch_export", "read_weight"),
    "elf": ("programs", "read_program"),
    "pe": ("programs", "read_program"),
    "mach-o": ("programs", "read_program"),
    "wasm": ("programs", "read_program"),
    "java-class": ("programs", "read_program"),
    "python-bytecode": ("programs", "read_program"),
    "windows-shortcut": ("programs", "read_program"),
    # ---- weights
    "safetensors": ("safetensors", "read_safetensors"),
    "gguf": ("gguf", "read_gguf"),
    "ggml": ("ggml", "read_ggml"),
    "hdf5": ("hdf5", "read_hdf5"),
    "keras-config": ("keras", "read_config"),
    "keras-metadata": ("keras", "read_metadata"),
    "skops-schema": ("skops", "read_schema"),
    "rds": ("rds", "read_rds"),
    "msgpack": ("msgpack", "read_msgpack"),
    "xgboost": ("xgboost", "read_binary"),
    "ubjson": ("xgboost", "read_ubjson"),
    "lightgbm": ("lightgbm", "read_text"),
    "catboost": ("catboost", "read_catboost"),
    # ---- graphs
    "onnx": ("onnx", "read_onnx"),
    "ort": ("ort", "read_ort"),
    "tensorflow-saved-model": ("tensorflow", "read_saved_model"),
    "tensorflow-graph": ("tensorflow", "read_graph"),
    "tensorflow-meta-graph": ("tensorflow", "read_meta_graph"),
    "tensorflow-text": ("tensorflow_text", "read_text"),
    "tensorflow-checkpoint": ("tensorflow_checkpoint", "read_index"),
    "tensorflow-fingerprint": ("tensorflow", "read_fingerprint"),
    "keras-saved-metadata": ("tensorflow", "read_keras_metadata"),
    "tflite": ("tflite", "read_tflite"),
    "executorch": ("executorch", "read_executorch"),
    "tensorrt": ("opaque", "read_opaque"),
    "rknn": ("opaque", "read_opaque"),
    "ascend-om": ("opaque", "read_opaque"),
    "coreml": ("coreml", "read_coreml"),
    "coreml-weights": ("coreml_weights", "read_weights"),
    "paddle": ("paddle", "read_program"),
    "paddle-parameters": ("paddle_parameters", "read_parameters"),
    "mindspore": ("mindspore", "read_mindir"),
    "mindspore-checkpoint": ("mindspore_checkpoint", "read_checkpoint"),
    "mindspore-lite": ("mindspore_lite", "read_lite"),
    "mindspore-encrypted": ("mindspore", "read_encrypted"),
    "mxnet-parameters": ("mxnet_parameters", "read_parameters"),
    "caffe": ("caffe", "read_caffemodel"),
    "prototxt": ("caffe", "read_prototxt"),
    "xml": ("xml", "read_xml"),
    # ---- text
    "json": ("json", "read_json"),
    "yaml": ("yaml", "read_yaml"),
    "python": ("python", "read_python"),
    "script": ("script", "read_script"),
    "notebook": ("notebook", "read_notebook"),
    "dockerfile": ("dockerfile", "read_dockerfile"),
    "requirements": ("requirements", "read_requirements"),
    "toml": ("toml", "read_toml"),
    "chat-template": ("chat_template", "read_template"),
    "model-card": ("model_card", "read_card"),
    "git-settings": ("git_settings", "read_settings"),
    "modelfile": ("modelfile", "read_modelfile"),
    "lfs-pointer": ("lfs_pointer", "read_pointer"),
    "source-code": ("script", "read_source_code"),
    "json-lines": ("text", "read_text"),
    "html": ("text", "read_text"),
    "csv": ("text", "read_text"),
    "text": ("text", "read_text"),
    # ---- data that no loader executes
    "empty": ("plain_data", "read_empty"),
    "png": ("plain_data", "read_data"),
    "jpeg": ("plain_data", "read_data"),
    "gif": ("plain_data", "read_data"),
    "bmp": ("plain_data", "read_data"),
    "tiff": ("plain_data", "read_data"),
    "webp": ("plain_data", "read_data"),
    "wav": ("plain_data", "read_data"),
    "parquet": ("plain_data", "read_data"),
    "arrow": ("plain_data", "read_data"),
    "tfrecord": ("plain_data", "read_records"),
    "sentencepiece": ("sentencepiece", "read_sentencepiece"),
    "pdf": ("opaque", "read_opaque"),
    "rar": ("opaque", "read_opaque"),
    "sqlite": ("opaque", "read_opaque"),
}
"""Formats that have no entry here, and `unknown`, end as a gap."""

MODULES: Final = tuple(sorted({f"{_HERE}.{module}" for module, _ in READERS.values()}))


@cache
def reader_of(kind: str) -> Reader | None:
    """The reader of a format, or `None` when there is none."""
    if kind not in READERS:
        return None
    module, function = READERS[kind]
    reader: Reader = getattr(import_module(f"{_HERE}.{module}"), function)
    return reader
