"""Fixed changes of a picture that resemble known kinds of marks, and which classes they bring about.

A model with a backdoor answers in part to what merely resembles its mark: another patch in the same place, another tint
in the same direction. What a change brings about in one model says little, for some classes lie near others by nature;
but models of one task agree about what lies near, and the changes are the same for all of them. So each response is
compared with that of the references to the very same change and class. Nothing is searched for, and nothing learnt: the
cost is that of answering some hundreds of pictures a few dozen times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

PATCH = 0.16
"""Side of a patch as a share of the picture's shorter side."""
PLACES = 5
"""Patches are shown at so many places in each direction."""
RANDOM_PATCHES = 2
"""Patches of cells drawn black or white, each shown as its negative as well."""
TINTS = (0.2, 0.4)
"""Shares of a colour that is mixed into the whole picture."""
DARK, BRIGHT = 0.1, 0.9
"""Of each channel of that colour."""
MOST_TINTED = 4
"""Channels above which only all of them together are made dark or bright."""
PERIODS = (2, 4, 6, 8)
AMPLITUDE = 0.15
OVERLAYS, TILES, OPACITY = 6, 8, 0.25
"""Drawn pictures of coloured tiles that shine through."""
WARPS, NODES, STRENGTH = 6, 4, 0.07
"""Drawn smooth displacements; their mean size as a share of the picture's side."""
LINE = 0.03
"""Thickness as a share of the picture's shorter side."""
SEED = 20
"""Of what is drawn here. It never varies: all models are shown the same."""
AT_ONCE = 512
"""Pictures that go through the network together."""

Change = Callable[[Tensor], Tensor]
"""Of pictures `(n, C, H, W)` with values in `[0, 1]`."""


def responses(
    network: Callable[[Any], Any], x: Tensor, y: Tensor, classes: int, *, low: float, high: float
) -> dict[str, NDArray[np.float64]]:
    """For each kind of change, how much more probable it makes each class, `(changes, K)`.

    A mean over the pictures that are not of that class, of `x` `(n, C, H, W)` with values from `low` to `high` and
    classes `y` `(n,)`. Of the patches at one place, the one that does most.
    """
    unit = ((x - low) / (high - low)).contiguous(memory_format=torch.channels_last)  # twice as fast on processors
    others = (y[:, None] != torch.arange(classes)).float()
    weights = others / others.sum(dim=0).clamp(min=1)

    def probable(changes: Sequence[Change]) -> Tensor:
        shown = torch.cat([change(unit).clamp(0, 1) for change in changes])
        answers = network(low + (high - low) * shown).softmax(dim=1).reshape(len(changes), *weights.shape)
        mean: Tensor = (answers * weights).sum(dim=1)
        return mean

    together = max(1, AT_ONCE // len(x))
    with torch.no_grad():
        usual = probable([lambda pictures: pictures])
        found = {
            kind: (torch.cat([probable(group) for group in _grouped(changes, together)]) - usual).double().numpy()
            for kind, changes in changes_of(x.shape[1], x.shape[2], x.shape[3]).items()
        }
    found["patches"] = found["patches"].reshape(-1, PLACES**2, classes).max(axis=0)
    return found


def changes_of(channels: int, height: int, width: int) -> dict[str, Iterator[Change]]:
    """All changes of pictures of that size, by kind. The same size gives the same changes."""
    return {
        "patches": _patches(height, width),
        "tints": _tints(channels),
        "waves": _waves(height, width),
        "overlays": _overlays(channels, height, width),
        "warps": _warps(height, width),
        "lines": _lines(height, width),
        "tones": _tones(),
    }


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def _patches(height: int, width: int) -> Iterator[Change]:
    side = max(2, round(PATCH * min(height, width)))
    drawn = torch.randint(2, (RANDOM_PATCHES, side, side), generator=_generator()).float()
    patterns = [torch.ones(side, side), torch.zeros(side, side), *drawn, *(1 - drawn)]
    rows, columns = (np.linspace(0, room - side, PLACES).round().astype(int) for room in (height, width))
    for pattern, row, column in product(patterns, rows, columns):
        yield _covered(pattern, slice(row, row + side), slice(column, column + side))


def _covered(pattern: Tensor, rows: slice, columns: slice) -> Change:
    def change(x: Tensor) -> Tensor:
        marked = x.clone()
        marked[:, :, rows, columns] = pattern
        return marked

    return change


def _tints(channels: int) -> Iterator[Change]:
    levels = (DARK, BRIGHT)
    colours = product(levels, repeat=channels) if channels <= MOST_TINTED else ((one,) * channels for one in levels)
    for colour, share in product(colours, TINTS):
        yield _mixed(torch.tensor(colour).reshape(-1, 1, 1), share)


def _waves(height: int, width: int) -> Iterator[Change]:
    down = (torch.arange(height) / height)[:, None].expand(height, width)
    along = (torch.arange(width) / width)[None].expand(height, width)
    for periods, phase in product(PERIODS, (down, along, (down + along) / 2**0.5)):
        wave = AMPLITUDE * torch.sin(2 * torch.pi * periods * phase)
        yield _added(wave)


def _overlays(channels: int, height: int, width: int) -> Iterator[Change]:
    for tiles in torch.randint(2, (OVERLAYS, channels, TILES, TILES), generator=_generator()).float():
        yield _mixed(functional.interpolate(tiles[None], size=(height, width))[0], OPACITY)


def _warps(height: int, width: int) -> Iterator[Change]:
    axes = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    down, along = torch.meshgrid(*axes, indexing="ij")
    still = torch.stack([along, down], dim=-1)
    for field in 2 * torch.rand((WARPS, 2, NODES, NODES), generator=_generator()) - 1:
        smooth = functional.interpolate(field[None], size=(height, width), mode="bicubic", align_corners=True)[0]
        moved = still + 2 * STRENGTH * (smooth / field.abs().mean()).permute(1, 2, 0)
        yield _moved(moved)


def _lines(height: int, width: int) -> Iterator[Change]:
    """A frame, lines across and along at quarters of the side, and both diagonals."""
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    thick = max(1, round(LINE * min(height, width)))
    edge = torch.minimum(torch.minimum(row, height - 1 - row), torch.minimum(column, width - 1 - column))
    places = [edge < thick]
    for at, side in ((row, height), (column, width)):
        places += [(at - quarter * side // 4).abs() * 2 < thick for quarter in (1, 2, 3)]
    along = column * height / width
    places += [(row - along).abs() < thick, (row + along - height + 1).abs() < thick]
    for place, level in product(places, (0.0, 1.0)):
        yield _drawn(place, level)


def _tones() -> Iterator[Change]:
    """What changes all pixels alike: colour taken away, contrast, brightness, the negative, and a blur."""
    yield _greyed(1.0)
    yield _greyed(0.5)
    for contrast in (0.5, 1.5, -1.0):
        yield _stretched(contrast)
    for power in (0.5, 2.0):
        yield _raised(power)
    yield lambda x: functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _drawn(place: Tensor, level: float) -> Change:
    return lambda x: x.masked_fill(place, level)


def _greyed(share: float) -> Change:
    return lambda x: (1 - share) * x + share * x.mean(dim=1, keepdim=True)


def _stretched(contrast: float) -> Change:
    return lambda x: 0.5 + contrast * (x - 0.5)


def _raised(power: float) -> Change:
    return lambda x: x.clamp(0, 1) ** power


def _added(shown: Tensor) -> Change:
    return lambda x: x + shown


def _moved(places: Tensor) -> Change:
    """Every picture read at other places `(H, W, 2)`, in shares of half a side from its middle."""
    return lambda x: functional.grid_sample(
        x, places.expand(len(x), -1, -1, -1), padding_mode="border", align_corners=True
    )


def _mixed(shown: Tensor, share: float) -> Change:
    return lambda x: (1 - share) * x + share * shown


def _grouped(changes: Iterator[Change], count: int) -> Iterator[list[Change]]:
    while group := list(islice(changes, count)):
        yield group
