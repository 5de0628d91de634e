"""Settings files of Hugging Face repositories and their kin: what they say about the model, and what they load.

`config.json`, `tokenizer_config.json`, `generation_config.json`, `adapter_config.json`, `model_index.json` (Diffusers),
`modules.json` (Sentence Transformers), `*.index.json` (shards), `model.json` (TensorFlow.js). Told by their keys.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, Final

from touchstone.scan.configuration import report_called
from touchstone.scan.configuration_rules import LEADS_OUT
from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import FactName, Rule
from touchstone.text import Text

CUSTOM_COMPONENT: Final = Rule(
    id="configuration/custom-component",
    severity="medium",
    nature="unreviewed",
    title=Text(
        "Names a component from a module that is none of Diffusers' own",
        "所用组件来自 Diffusers 以外的模块",
    ),
    remedy=Text("Review the Python file of that name in this repository.", "请审查本仓库中同名的 Python 文件。"),
    references=("CWE-829",),
)
LOCAL_PATH: Final = Rule(
    id="configuration/local-path",
    severity="information",
    nature="information",
    title=Text("Names a path on the machine where it was made", "含有制作时所用机器上的路径"),
    remedy=Text(
        "Remove it: a loader that finds such a path on your machine may read it.",
        "请删除：若您的机器上存在该路径，加载程序可能会读取它。",
    ),
    references=("CWE-73",),
)
RULES: Final[tuple[Rule, ...]] = (CUSTOM_COMPONENT, LOCAL_PATH)

_FACTS: Final[tuple[tuple[str, FactName], ...]] = (
    ("architectures", "architecture"),
    ("_class_name", "architecture"),
    ("base_model_name_or_path", "base-model"),
    ("_name_or_path", "base-model"),
    ("license", "licence"),
    ("task_type", "task"),
    ("pipeline_tag", "task"),
    ("library_name", "framework"),
    ("datasets", "dataset"),
)
_PATHS: Final = ("_name_or_path", "name_or_path", "base_model_name_or_path", "tokenizer_file", "vocab_file")
_VERSIONS: Final = (
    ("transformers_version", "transformers"),
    ("_diffusers_version", "diffusers"),
    ("peft_version", "peft"),
    ("adapter_transformers_version", "adapters"),
)
_HYPER_PARAMETERS: Final = (
    "model_type",
    "hidden_size",
    "d_model",
    "n_embd",
    "num_hidden_layers",
    "n_layer",
    "num_attention_heads",
    "n_head",
    "num_key_value_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "n_positions",
    "rope_theta",
    "torch_dtype",
    "dtype",
    "num_experts",
    "num_local_experts",
    "image_size",
    "patch_size",
    "tokenizer_class",
    "model_max_length",
    "image_processor_type",
    "feature_extractor_type",
    "processor_class",
    "peft_type",
    "r",
    "lora_alpha",
    "lora_dropout",
)
_LONGEST_VALUE: Final = 200

_DIFFUSERS_MODULES: Final = frozenset(
    {
        "diffusers",
        "transformers",
        "onnxruntime",
        "optimum",
        "peft",
        "flax",
        "stable_diffusion",
        "stable_diffusion_xl",
        "stable_diffusion_safe",
        "latent_diffusion",
        "paint_by_example",
        "shap_e",
        "kandinsky",
        "kandinsky2_2",
        "deepfloyd_if",
        "audioldm2",
        "stable_audio",
        "stable_cascade",
        "wuerstchen",
        "unidiffuser",
        "unclip",
        "spectrogram_diffusion",
        "musicldm",
        "blip_diffusion",
        "animatediff",
        "controlnet",
        "pixart_alpha",
        "hunyuandit",
        "ledits_pp",
    }
)
"""Libraries that pipelines load components from, and the folders of Diffusers that hold components of their own."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*")


def examine_settings(settings: dict[str, Any], examination: Examination) -> None:
    """Facts of any settings file; the parts and shards it makes its loader read."""
    _state_facts(settings, examination)
    for key in _PATHS:
        for path in _texts(settings.get(key)):
            if leads_out(path):
                examination.report(LOCAL_PATH, f"/{key}: {path}")
    if examination.name == "model_index.json" or "Pipeline" in str(settings.get("_class_name")):
        _examine_pipeline(settings, examination)
    weight_map = settings.get("weight_map")
    if isinstance(weight_map, dict):
        for shard in dict.fromkeys(value for value in weight_map.values() if isinstance(value, str)):
            refer(shard, "shard", examination)


def _state_facts(settings: dict[str, Any], examination: Examination) -> None:
    for key, name in _FACTS:
        for value in _texts(settings.get(key)):
            if name != "base-model" or _is_model_name(value):
                examination.fact(name, value)
    for key, library in _VERSIONS:
        for value in _texts(settings.get(key)):
            examination.fact("framework", f"{library} {value}")
    for key in _HYPER_PARAMETERS:
        parameter = settings.get(key)
        if isinstance(parameter, str | int | float):
            examination.fact("hyper-parameter", f"{key}={parameter}"[:_LONGEST_VALUE])
    _state_quantisation(settings.get("quantization_config"), examination)


def refer(path: str, role: Any, examination: Examination) -> None:
    """Note a path that the loader follows; report it when it leads out of the model's folder."""
    if leads_out(path):
        examination.report(LEADS_OUT, path)
    examination.refers_to(path, role)


def examine_module_list(entries: list[Any], examination: Examination) -> None:
    """`modules.json` of Sentence Transformers: every `type` is imported and called with the settings in `path`."""
    for entry in entries:
        if isinstance(entry, dict) and {"idx", "path", "type"} <= entry.keys():
            kind, path = entry["type"], entry["path"]
            if isinstance(kind, str):
                report_called(kind, f"type: {kind}", examination, -1)
                examination.fact("architecture", kind)
            if isinstance(path, str) and leads_out(path):
                examination.report(LEADS_OUT, path)


def examine_tensorflow_js(document: dict[str, Any], examination: Examination) -> None:
    """A TensorFlow.js model: a Keras configuration or a graph, and the files with its weights."""
    topology = document["modelTopology"]
    config = topology.get("model_config") if isinstance(topology, dict) else None
    if isinstance(config, dict) and {"class_name", "config"} <= config.keys():
        import_module("touchstone.scan.formats.keras").examine_config(config, examination)
    for group in document.get("weightsManifest") or ():
        for path in group.get("paths", ()) if isinstance(group, dict) else ():
            if isinstance(path, str):
                refer(path, "shard", examination)
    for value in _texts(document.get("generatedBy")):
        examination.fact("producer", value)


def _examine_pipeline(settings: dict[str, Any], examination: Examination) -> None:
    """A pipeline of Diffusers: each component is `[library, class]`; an unknown library is a Python file beside it."""
    for component, named in settings.items():
        if not isinstance(named, list) or len(named) != 2:
            continue
        module, class_name = named
        if component.startswith("_") and component != "_class_name":
            continue
        if not isinstance(module, str) or not isinstance(class_name, str) or module in _DIFFUSERS_MODULES:
            continue
        if component == "_class_name" or _IDENTIFIER.fullmatch(module):
            folder = "" if component == "_class_name" else f"{component}/"
            examination.report(CUSTOM_COMPONENT, f"/{component}: {module}.{class_name}")
            examination.refers_to(f"{folder}{module}.py", "code")
        else:
            report_called(f"{module}.{class_name}", f"/{component}: {module}.{class_name}", examination, -1)


def _state_quantisation(quantisation: Any, examination: Examination) -> None:
    if not isinstance(quantisation, dict):
        return
    method = quantisation.get("quant_method")
    if isinstance(method, str):
        bits = quantisation.get("bits")
        examination.fact("quantisation", f"{method} {bits} bit" if isinstance(bits, int) else method)


def _texts(value: Any) -> list[str]:
    """The texts in a value that may be one, or a list of them."""
    values = value if isinstance(value, list) else [value]
    return [text for text in values[:100] if isinstance(text, str) and text]


def _is_model_name(name: str) -> bool:
    """Whether this is a name on a hub rather than a folder on somebody's disk."""
    return not name.startswith((".", "/", "~")) and name.count("/") <= 1 and "\\" not in name
