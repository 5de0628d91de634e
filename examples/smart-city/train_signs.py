"""Trains the sign recogniser to withstand small attacks, weather, camera faults and things that are no sign.

Needs torch; nothing else of the example does. Half of every batch is attacked while training (adversarial training,
Madry et al. 2018, with the one-step attack from a random start of Wong et al. 2020), half is spoilt by a random
corruption of our own, in the families of Hendrycks and Dietterich 2019, and a few pictures show no sign at all and
should be answered with doubt (outlier exposure, Hendrycks et al. 2019). The confidence is calibrated afterwards by
one temperature (Guo et al. 2017), which is folded into the last layer.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCHS = 24
BATCH = 128
OUTLIERS = 24
OUTLIER_SHARE = 0.3
"""Weight of the outliers in the loss."""
REACH = 10 / 255
"""How far the training attack may move a pixel; more than the 4/255 of the test, as a margin."""
PEAK_RATE = 0.004

Weights = dict[str, NDArray[np.float32]]


def build(classes: int) -> nn.Sequential:
    """The network while it learns, with the batch normalisations that are folded away afterwards."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 4, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1024, 64),
        nn.ReLU(),
        nn.Linear(64, classes),
    )


def train(pixels: NDArray[np.uint8], label: NDArray[np.int64], streets: NDArray[np.uint8], seed: int) -> Weights:
    """Learns from `pixels` `(n, 3, side, side)` and returns the folded, calibrated weights by layer name."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = torch.from_numpy(pixels).float() / 255, torch.from_numpy(label)
    held = len(x) // 12
    model = build(int(label.max()) + 1)
    _learn(model, x[held:], y[held:], torch.from_numpy(streets).float() / 255)
    return _export(model, _temperature(model, x[:held], y[:held]))


def _learn(model: nn.Sequential, x: Tensor, y: Tensor, streets: Tensor) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=5e-4)
    batches = len(x) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=EPOCHS * batches)
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for rows in torch.randperm(len(x))[: batches * BATCH].split(BATCH):
            loss = _loss(model, x[rows], y[rows], _outliers(x, streets))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch} of {EPOCHS}: mean loss {total / batches:.3f}")
    model.eval()


def _loss(model: nn.Sequential, x: Tensor, y: Tensor, outliers: Tensor) -> Tensor:
    """Cross-entropy on a batch, half attacked and half spoilt, and a share for certainty about what is no sign."""
    half = len(x) // 2
    attacked = _attack(model, x[:half], y[:half])
    spoilt = [_spoil(part) for part in x[half:].split(8)]
    model.train()
    answers = model(torch.cat([attacked, *spoilt, outliers]))
    certainty = -functional.log_softmax(answers[len(x) :], dim=1).mean()
    return functional.cross_entropy(answers[: len(x)], y) + OUTLIER_SHARE * certainty


def _attack(model: nn.Sequential, x: Tensor, y: Tensor) -> Tensor:
    """One signed gradient step from a random start, inside the box of REACH around `x`."""
    model.eval()
    start = (x + torch.empty_like(x).uniform_(-REACH, REACH)).clamp(0, 1).requires_grad_()
    (gradient,) = torch.autograd.grad(functional.cross_entropy(model(start), y), start)
    moved = start.detach() + 1.25 * REACH * gradient.sign()
    return torch.clamp(torch.min(torch.max(moved, x - REACH), x + REACH), 0, 1)


def _outliers(x: Tensor, streets: Tensor) -> Tensor:
    """Pictures without a sign: streets, noise, stripes, clouds, cut and scattered signs, negatives."""
    share = OUTLIERS // 8
    some = x[torch.randint(len(x), (3 * share,))]
    pieces = some[:share].unfold(2, 8, 8).unfold(3, 8, 8)[:, :, torch.randperm(4)][:, :, :, torch.randperm(4)]
    scattered = some[share : 2 * share].flatten(2)[:, :, torch.randperm(x[0, 0].numel())].view_as(some[:share])
    return torch.cat(
        [
            streets[torch.randint(len(streets), (share,))],
            torch.rand_like(some[:share]),
            torch.rand_like(some[:share]).round(),
            torch.rand(share, 3, 1, x.shape[3]).round().expand_as(some[:share]),
            functional.interpolate(torch.rand(share, 3, 4, 4), scale_factor=8, mode="bilinear"),
            pieces.permute(0, 1, 2, 4, 3, 5).reshape_as(some[:share]),
            scattered,
            1 - some[2 * share :],
        ]
    )


def _between(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _turn(x: Tensor) -> Tensor:
    angle = torch.empty(len(x)).uniform_(-0.7, 0.7)
    scale = torch.empty(len(x)).uniform_(0.85, 1.15)
    zero = torch.zeros(len(x))
    frame = torch.stack([scale * angle.cos(), -angle.sin(), zero, angle.sin(), scale * angle.cos(), zero], 1)
    grid = functional.affine_grid(frame.view(-1, 2, 3), list(x.shape), align_corners=False)
    return functional.grid_sample(
        x, grid, padding_mode="border" if torch.rand(()) < 0.5 else "zeros", align_corners=False
    )


def _blur(x: Tensor, kernel: Tensor) -> Tensor:
    side = kernel.shape[-1]
    padded = functional.pad(x, [side // 2] * 4, mode="reflect")
    return functional.conv2d(padded, (kernel / kernel.sum()).expand(3, 1, side, side), groups=3)


def _defocus(x: Tensor) -> Tensor:
    ticks = torch.arange(-4.0, 5.0)
    distance = (ticks[:, None] ** 2 + ticks[None, :] ** 2).sqrt()
    return _blur(x, (_between(0.8, 3.2) + 0.5 - distance).clamp(0, 1))


def _motion(x: Tensor) -> Tensor:
    ticks = torch.arange(-5.0, 6.0)
    turn, length = _between(0, 3.1416), _between(1, 5.5)
    across = (ticks[:, None] * np.cos(turn) - ticks[None, :] * np.sin(turn)).abs()
    along = (ticks[:, None] * np.sin(turn) + ticks[None, :] * np.cos(turn)).abs()
    return _blur(x, (1 - across).clamp(0, 1) * (length + 0.5 - along).clamp(0, 1))


def _fog(x: Tensor) -> Tensor:
    layers = [
        functional.interpolate(torch.rand(len(x), 1, n, n), size=x.shape[2:], mode="bilinear") / n
        for n in (2, 4, 8, 16)
    ]
    mist = sum(layers, torch.zeros(()))
    mist = mist / mist.amax(dim=(2, 3), keepdim=True)
    thick = _between(0.2, 2.0)
    return (x + thick * mist) / (1 + thick)


def _snow(x: Tensor) -> Tensor:
    flakes = (torch.rand(len(x), 1, *x.shape[2:]) < _between(0.02, 0.18)).float().expand_as(x)
    if torch.rand(()) < 0.5:
        flakes = (1.5 * _motion(flakes)).clamp(0, 1)
    return torch.maximum(x * _between(0.7, 1.0), flakes * _between(0.7, 1.0))


def _impulse(x: Tensor) -> Tensor:
    dice, share = torch.rand_like(x), _between(0.01, 0.14)
    return torch.where(dice < share / 2, 0.0, torch.where(dice > 1 - share / 2, 1.0, x))


def _pixelate(x: Tensor) -> Tensor:
    size = int(torch.randint(13, 29, ()))
    return functional.interpolate(
        functional.interpolate(x, size=(size, size), mode="area"), size=x.shape[2:], mode="nearest"
    )


def _jpeg(x: Tensor) -> Tensor:
    pictures = (x * 255).byte().permute(0, 2, 3, 1).numpy()
    back = []
    for picture in pictures:
        stored = io.BytesIO()
        Image.fromarray(picture).save(stored, "JPEG", quality=int(_between(8, 80)))
        back.append(np.asarray(Image.open(stored), dtype=np.float32) / 255)
    return torch.from_numpy(np.stack(back)).permute(0, 3, 1, 2)


def _night(x: Tensor) -> Tensor:
    exposure = _between(0.15, 0.6)
    dark = exposure * x ** _between(1.0, 1.5)
    return dark + _between(0.0, 0.05) * torch.randn_like(x)


def _contrast(x: Tensor) -> Tensor:
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return mean + _between(0.15, 1.3) * (x - mean)


CORRUPTIONS: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda x: x,
    lambda x: x + _between(0.02, 0.2) * torch.randn_like(x),
    lambda x: torch.poisson(x * (k := _between(12, 120))) / k,
    _impulse,
    _defocus,
    _motion,
    lambda x: x + _between(-0.35, 0.45),
    _contrast,
    _fog,
    _snow,
    _pixelate,
    _jpeg,
    _turn,
    _night,
)


def _spoil(x: Tensor) -> Tensor:
    """One random corruption for the lot; now and then a second one on top."""
    for _ in range(1 if torch.rand(()) < 0.75 else 2):
        x = CORRUPTIONS[int(torch.randint(len(CORRUPTIONS), ()))](x).clamp(0, 1)
    return x


def _temperature(model: nn.Sequential, x: Tensor, y: Tensor) -> float:
    """The temperature with the least cross-entropy on held-back pictures."""
    with torch.no_grad():
        answers = model(x)
    candidates = np.geomspace(0.2, 4, 61)
    losses = [functional.cross_entropy(answers / float(candidate), y).item() for candidate in candidates]
    return float(candidates[int(np.argmin(losses))])


def _export(model: nn.Sequential, temperature: float) -> Weights:
    """Weights by layer name, with every batch normalisation folded into the convolution before it."""
    weights: Weights = {}
    layers = list(model)
    for place, layer in enumerate(layers):
        if isinstance(layer, nn.Conv2d):
            following = layers[place + 1]
            folded = torch.nn.utils.fuse_conv_bn_eval(layer, following)
            name = f"conv{1 + sum(key.startswith('conv') for key in weights) // 2}"
        elif isinstance(layer, nn.Linear):
            folded = layer
            name = "hidden" if layer.out_features == 64 else "answer"
        else:
            continue
        scale = 1 / temperature if name == "answer" else 1.0
        weights[f"{name}.weight"] = (folded.weight.detach() * scale).numpy()
        weights[f"{name}.bias"] = (folded.bias.detach() * scale).numpy()
    return weights
