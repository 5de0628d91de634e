"""Vision libraries whose checkpoints are whole modules: torchvision, Ultralytics, timm."""

from __future__ import annotations

import warnings

import torch
from benign_room import SEED, Room


def make(room: Room) -> None:
    """Networks narrowed until their checkpoints are small."""
    warnings.simplefilter("ignore")
    torch.manual_seed(SEED)
    _torchvision(room)
    _timm(room)
    _ultralytics(room)


def _torchvision(room: Room) -> None:
    from torchvision.models import mobilenet_v3_small, resnet, squeezenet1_1
    from torchvision.ops import MLP, SqueezeExcitation
    from torchvision.transforms import Compose, Normalize, Resize, ToTensor

    narrow = resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes=2, width_per_group=64).half()
    narrow.layer4 = torch.nn.Identity()
    narrow.layer3 = torch.nn.Identity()
    torch.save(narrow, room.file("vision/torchvision-resnet.pt", "torch-zip", "torchvision"))
    parts = [SqueezeExcitation(4, 2), MLP(3, [4, 2]), mobilenet_v3_small(num_classes=2).features[0]]
    torch.save(parts, room.file("vision/torchvision-parts.pt", "torch-zip", "torchvision"))
    steps = Compose([Resize(8), ToTensor(), Normalize([0.5], [0.5])])
    torch.save({"transform": steps}, room.file("vision/torchvision-transforms.pt", "torch-zip", "torchvision"))
    fire = squeezenet1_1(num_classes=2).features[3]
    torch.save(fire, room.file("vision/torchvision-fire.pt", "torch-zip", "torchvision"))


def _timm(room: Room) -> None:
    import timm

    model = timm.create_model("vit_tiny_patch16_224", num_classes=2, embed_dim=24, depth=1, num_heads=2, img_size=32)
    torch.save(model, room.file("vision/timm-transformer.pt", "torch-zip", "timm"))
    convolution = timm.create_model("test_resnet")
    torch.save(convolution, room.file("vision/timm-resnet.pt", "torch-zip", "timm"))


def _ultralytics(room: Room) -> None:
    from datetime import UTC, datetime

    from ultralytics.nn.tasks import ClassificationModel, DetectionModel

    layers = {
        "nc": 2,
        "depth_multiple": 0.33,
        "width_multiple": 0.0625,
        "backbone": [
            [-1, 1, "Conv", [64, 3, 2]],
            [-1, 1, "Conv", [128, 3, 2]],
            [-1, 1, "C2f", [128, True]],
            [-1, 1, "SPPF", [128, 5]],
        ],
        "head": [[-1, 1, "C2f", [128]], [[4], 1, "Detect", ["nc"]]],
    }
    detector = DetectionModel(layers, ch=3, nc=2, verbose=False).half()
    checkpoint = {
        "epoch": -1,
        "best_fitness": None,
        "model": detector,
        "ema": None,
        "optimizer": None,
        "train_args": {"task": "detect", "imgsz": 64},
        "date": datetime(2026, 1, 2, tzinfo=UTC).isoformat(),
        "version": "8.4.190",
    }
    torch.save(checkpoint, room.file("vision/ultralytics-detector.pt", "torch-zip", "ultralytics"))
    layers["head"] = [[-1, 1, "Classify", ["nc"]]]
    classifier = ClassificationModel(layers, ch=3, nc=2, verbose=False).half()
    torch.save({"model": classifier}, room.file("vision/ultralytics-classifier.pt", "torch-zip", "ultralytics"))
