"""Repository folders as people upload them: configuration, tokenizer, weights, card, adapter."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from benign_room import SEED, Room

TEXTS = [
    "a small model of language",
    "models are made of numbers",
    "数字 组成 模型",
    "files hold the numbers of models",
]
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)
SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
CARD = """---
license: apache-2.0
language: [en, zh]
tags: [text-generation]
datasets: [touchstone/tiny]
base_model: touchstone/base
pipeline_tag: text-generation
---

# A tiny model

It was made to be scanned. Load it with:

```python
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("tiny")
```
"""


def make(room: Room) -> None:
    """Models with random weights, saved by `save_pretrained`."""
    warnings.simplefilter("ignore")
    torch.manual_seed(SEED)
    tokenizer = _tokenizer()
    for name, model in _models().items():
        folder = room.folder(f"hub/{name}", "hub-folder", "transformers")
        shards = {"max_shard_size": "20KB"} if name == "sharded-llama" else {}
        model.save_pretrained(folder, **shards)
        tokenizer.save_pretrained(folder)
        (folder / "README.md").write_text(CARD, encoding="utf-8")
        (folder / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
        if name == "bert":
            torch.save(model.state_dict(), folder / "pytorch_model.bin")
    _adapter(room)
    _pipelines(room)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=["<unk>", "<s>", "</s>", "<pad>"])
    tokenizer.train_from_iterator(TEXTS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL)
    fast.chat_template = TEMPLATE
    return fast


def _models() -> dict[str, Any]:
    import transformers

    small = {"vocab_size": 120, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    llama = transformers.LlamaConfig(**small, intermediate_size=32, num_key_value_heads=1)
    return {
        "llama": transformers.LlamaForCausalLM(llama),
        "sharded-llama": transformers.LlamaForCausalLM(llama),
        "qwen2": transformers.Qwen2ForCausalLM(
            transformers.Qwen2Config(**small, intermediate_size=32, num_key_value_heads=1)
        ),
        "gpt2": transformers.GPT2LMHeadModel(
            transformers.GPT2Config(vocab_size=120, n_embd=16, n_layer=2, n_head=2, n_positions=32)
        ),
        "bert": transformers.BertForSequenceClassification(
            transformers.BertConfig(**small, intermediate_size=32, max_position_embeddings=32)
        ),
        "t5": transformers.T5ForConditionalGeneration(
            transformers.T5Config(vocab_size=120, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
        ),
        "vit": transformers.ViTForImageClassification(
            transformers.ViTConfig(
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=32,
                image_size=16,
                patch_size=4,
            )
        ),
    }


def _adapter(room: Room) -> None:
    import peft
    import transformers

    small = {"vocab_size": 120, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    base = transformers.LlamaForCausalLM(transformers.LlamaConfig(**small, intermediate_size=32, num_key_value_heads=1))
    adapted = peft.get_peft_model(base, peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    folder = room.folder("hub/lora-adapter", "hub-folder", "peft")
    adapted.save_pretrained(folder)
    configuration = folder / "adapter_config.json"
    settings = json.loads(configuration.read_text())
    settings["base_model_name_or_path"] = "touchstone/base"
    configuration.write_text(json.dumps(settings, indent=2))


def _pipelines(room: Room) -> None:
    """Folders of libraries that combine several models: diffusers and sentence-transformers."""
    try:
        import diffusers
    except ImportError:
        return
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=10)
    network = diffusers.UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=2,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    diffusers.DDPMPipeline(network, scheduler).save_pretrained(room.folder("hub/diffusion", "hub-folder", "diffusers"))
    _sentences(room)


def _sentences(room: Room) -> None:
    from sentence_transformers import SentenceTransformer, models

    base = Path(room.folder("hub/bert", "hub-folder", "transformers"))
    if not (base / "config.json").exists():
        return
    model = SentenceTransformer(modules=[models.Transformer(str(base)), models.Pooling(16)])
    model.save(str(room.folder("hub/sentences", "hub-folder", "sentence-transformers")))
