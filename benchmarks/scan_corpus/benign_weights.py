"""Files that hold weights and little else: safetensors, GGUF, HDF5."""

from __future__ import annotations

import h5py
import numpy as np
from benign_room import SEED, Room


def make(room: Room) -> None:
    """Files as the reference writers make them."""
    random = np.random.default_rng(SEED)
    _safetensors(room, random)
    _gguf(room, random)
    _hdf5(room, random)


def _safetensors(room: Room, random: np.random.Generator) -> None:
    import torch
    from safetensors.numpy import save_file
    from safetensors.torch import save_file as save_torch

    arrays = {f"layer.{n}.weight": random.standard_normal((4, 3)).astype(np.float32) for n in range(4)}
    metadata = {"format": "pt", "note": 'a text with "quotes" and 中文'}
    save_file(arrays, room.file("safetensors/plain.safetensors", "safetensors", "safetensors"))
    save_file(arrays, room.file("safetensors/metadata.safetensors", "safetensors", "safetensors"), metadata)
    save_file({}, room.file("safetensors/empty.safetensors", "safetensors", "safetensors"))
    kinds = (np.float16, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
    mixed = {np.dtype(kind).name: np.arange(5).astype(kind) for kind in kinds}
    mixed |= {"bool": np.array([True, False]), "scalar": np.array(2.0), "none": np.zeros((0, 4))}
    save_file(mixed, room.file("safetensors/dtypes.safetensors", "safetensors", "safetensors"))
    small = {
        "bf16": torch.ones(3, dtype=torch.bfloat16),
        "f8_e4m3": torch.ones(4).to(torch.float8_e4m3fn),
        "f8_e5m2": torch.ones(4).to(torch.float8_e5m2),
        "complex": torch.ones(2, dtype=torch.complex64),
    }
    save_torch(small, room.file("safetensors/small-floats.safetensors", "safetensors", "safetensors"))


def _gguf(room: Room, random: np.random.Generator) -> None:
    import gguf

    template = "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}{% endfor %}"
    for name, quantised in (("float", False), ("quantised", True)):
        writer = gguf.GGUFWriter(room.file(f"gguf/{name}.gguf", "gguf", "gguf"), "llama")
        writer.add_name("tiny")
        writer.add_author("Touchstone")
        writer.add_license("apache-2.0")
        writer.add_context_length(64)
        writer.add_embedding_length(32)
        writer.add_block_count(1)
        writer.add_head_count(2)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_tokenizer_model("llama")
        writer.add_token_list(["<unk>", "<s>", "</s>", "你", "好"])
        writer.add_token_scores([0.0, 0.0, 0.0, -1.0, -2.0])
        writer.add_token_types([2, 3, 3, 1, 1])
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_chat_template(template)
        writer.add_array("tiny.numbers", [1, 2, 3])
        for layer in ("token_embd.weight", "blk.0.attn_q.weight", "output_norm.weight"):
            weights = random.standard_normal((4, 32)).astype(np.float32)
            if quantised and "norm" not in layer:
                kind = gguf.GGMLQuantizationType.Q8_0
                writer.add_tensor(layer, gguf.quantize(weights, kind), raw_dtype=kind)
            else:
                writer.add_tensor(layer, weights.astype(np.float16) if "norm" not in layer else weights)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    vocabulary = gguf.GGUFWriter(room.file("gguf/vocabulary-only.gguf", "gguf", "gguf"), "gpt2")
    vocabulary.add_tokenizer_model("gpt2")
    vocabulary.add_token_list([f"token{n}" for n in range(200)])
    vocabulary.add_token_merges([f"a b{n}" for n in range(20)])
    vocabulary.write_header_to_file()
    vocabulary.write_kv_data_to_file()
    vocabulary.write_tensors_to_file()
    vocabulary.close()


def _hdf5(room: Room, random: np.random.Generator) -> None:
    layouts = {"earliest": ("earliest", "latest"), "latest": ("latest", "latest"), "v110": ("v110", "v110")}
    for name, bounds in layouts.items():
        with h5py.File(room.file(f"hdf5/{name}.h5", "hdf5", "h5py"), "w", libver=bounds) as file:
            file.attrs["producer"] = "Touchstone"
            file.attrs["words"] = ["one", "two"]
            group = file.create_group("layers/dense")
            weights = random.standard_normal((20, 10)).astype(np.float32)
            group.create_dataset("kernel", data=weights)
            group.create_dataset("chunked", data=weights, chunks=(5, 5), compression="gzip", shuffle=True)
            group.create_dataset("checked", data=weights, chunks=(5, 5), fletcher32=True)
            group.create_dataset("growing", data=weights, maxshape=(None, 10), chunks=(4, 10))
            group.create_dataset("text", data=["ä", "中文"], dtype=h5py.string_dtype())
            group.create_dataset("compound", data=np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]))
            group.create_dataset("scalar", data=3)
            group.create_dataset("empty", shape=(0,), dtype="f4")
            file["alias"] = h5py.SoftLink("/layers/dense/kernel")
            file["again"] = group["kernel"]
            for number in range(30):
                group.attrs[f"attribute{number}"] = number
    with h5py.File(room.file("hdf5/user-block.h5", "hdf5", "h5py"), "w", userblock_size=512) as file:
        file["x"] = np.arange(4)
    with h5py.File(room.file("hdf5/many-groups.h5", "hdf5", "h5py"), "w", track_order=True) as file:
        for number in range(60):
            file.create_dataset(f"block{number:02d}/weight", data=np.full(3, number, np.float16))
