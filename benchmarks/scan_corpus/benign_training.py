"""Checkpoints of training frameworks: transformers' `training_args.bin`, Lightning, mmengine, torch.distributed."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from benign_room import SEED, Room
from torch import nn


def make(room: Room) -> None:
    """What trainers write beside the weights."""
    warnings.simplefilter("ignore")
    torch.manual_seed(SEED)
    _transformers(room)
    _lightning(room)
    _mmengine(room)
    _distributed(room)


def _transformers(room: Room) -> None:
    from transformers import Seq2SeqTrainingArguments, TrainingArguments

    folder = "training/transformers"
    plain = TrainingArguments(output_dir="out", report_to=[], use_cpu=True)
    many = TrainingArguments(
        output_dir="out",
        report_to=["tensorboard"],
        eval_strategy="steps",
        save_strategy="epoch",
        lr_scheduler_type="cosine",
        optim="adamw_torch",
        label_names=["labels"],
        use_cpu=True,
        push_to_hub=False,
        gradient_accumulation_steps=2,
        accelerator_config={"split_batches": True},
    )
    for name, arguments in (
        ("plain", plain),
        ("many", many),
        ("seq2seq", Seq2SeqTrainingArguments("out", use_cpu=True)),
    ):
        torch.save(arguments, room.file(f"{folder}/{name}/training_args.bin", "torch-zip", "transformers"))
    model = nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    plan = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)
    torch.save(optimiser.state_dict(), room.file(f"{folder}/checkpoint-1/optimizer.pt", "torch-zip", "torch"))
    torch.save(plan.state_dict(), room.file(f"{folder}/checkpoint-1/scheduler.pt", "torch-zip", "torch"))
    import random

    import numpy

    states = {
        "python": random.getstate(),
        "numpy": numpy.random.get_state(),
        "cpu": torch.random.get_rng_state(),
    }
    torch.save(states, room.file(f"{folder}/checkpoint-1/rng_state.pth", "torch-zip", "torch"))


def _lightning(room: Room) -> None:
    import pytorch_lightning

    class Module(pytorch_lightning.LightningModule):
        def __init__(self, width: int = 3, rate: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = nn.Linear(width, 1)

        def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
            return self.layer(batch[0]).sum()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=self.hparams["rate"])

    place = room.file("training/lightning/last.ckpt", "torch-zip", "pytorch-lightning")
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 3)), batch_size=2)
    trainer = pytorch_lightning.Trainer(
        max_epochs=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
        callbacks=[pytorch_lightning.callbacks.ModelCheckpoint(dirpath=Path("/nonexistent"), save_top_k=0)],
    )
    trainer.fit(Module(), data)
    trainer.save_checkpoint(place)


def _mmengine(room: Room) -> None:
    from mmengine.config import Config, ConfigDict
    from mmengine.logging import HistoryBuffer, MessageHub

    hub = MessageHub.get_instance("touchstone")
    for value in (0.5, 0.25):
        hub.update_scalar("train/loss", value)
    settings = Config({"model": {"type": "ResNet", "depth": 18}, "lr": 0.1})
    checkpoint = {
        "meta": {
            "epoch": 1,
            "iter": 2,
            "cfg": settings.pretty_text,
            "dataset_meta": ConfigDict(classes=("cat", "dog")),
        },
        "state_dict": nn.Linear(2, 2).state_dict(),
        "message_hub": hub.state_dict(),
        "history": HistoryBuffer([0.5, 0.25], [1, 1]),
    }
    torch.save(checkpoint, room.file("training/mmengine/epoch_1.pth", "torch-zip", "mmengine"))


def _distributed(room: Room) -> None:
    import torch.distributed.checkpoint

    folder = room.folder("training/distributed-checkpoint", "torch-distributed", "torch")
    state = {"model": nn.Linear(3, 2).state_dict(), "step": 3}
    torch.distributed.checkpoint.save(state, checkpoint_id=folder, no_dist=True)
