"""Renders small pictures of road signs: our own ten designs after the shapes and colours road users know.

A sign is a stack of painted shapes in a coordinate frame whose unit circle encloses the sign. A picture is that
stack seen by a roadside camera: turned, tilted, scaled and shifted in front of a street made of flat blocks, under
daylight, dusk or night light, a little out of focus, with sensor noise, in the camera's RGB565 colours. Everything
is drawn from the generator handed in; the same generator state gives the same pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 32
"""Height and width of a picture, in pixels."""
RAYS = 3
"""Camera rays per pixel along each axis."""
DISTRICTS = {"camera-north": "old-town", "camera-south": "harbour", "camera-east": "old-town", "camera-west": "harbour"}
"""District of every camera. Districts take turns, so that an even number of pictures is shared evenly."""
CAMERAS = tuple(DISTRICTS)
LIGHTS = ("day", "dusk", "night")

Mask = NDArray[np.bool_]
Plane = NDArray[np.float64]
Picture = NDArray[np.float64]
Shape = Callable[[Plane, Plane], Mask]
Colour = tuple[float, float, float]

RED: Colour = (0.80, 0.08, 0.10)
BLUE: Colour = (0.05, 0.25, 0.70)
YELLOW: Colour = (0.97, 0.78, 0.05)
WHITE: Colour = (0.95, 0.95, 0.95)
BLACK: Colour = (0.06, 0.06, 0.06)


def polygon(corners: int, radius: float, turn: float) -> Shape:
    """A regular polygon around the centre; `turn` in degrees moves its first edge from straight right, clockwise."""
    normals = [math.radians(turn) + 2 * math.pi * edge / corners for edge in range(corners)]
    apothem = radius * math.cos(math.pi / corners)
    return lambda u, v: np.max([u * math.cos(n) + v * math.sin(n) for n in normals], axis=0) <= apothem


def disc(radius: float) -> Shape:
    """A disc around the centre."""
    return lambda u, v: u**2 + v**2 <= radius**2


def bar(width: float, height: float, x: float = 0.0, y: float = 0.0, turn: float = 0.0) -> Shape:
    """A rectangle centred on `(x, y)`, `turn` degrees clockwise. The y axis points down."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))

    def inside(u: Plane, v: Plane) -> Mask:
        along, across = cos * (u - x) + sin * (v - y), cos * (v - y) - sin * (u - x)
        return (np.abs(along) <= width / 2) & (np.abs(across) <= height / 2)

    return inside


def shifted(shape: Shape, x: float, y: float) -> Shape:
    """The shape, moved."""
    return lambda u, v: shape(u - x, v - y)


@dataclass(frozen=True, slots=True)
class Sign:
    """A class of signs: its name and its shapes, painted in order."""

    name: str
    shapes: tuple[tuple[Shape, Colour], ...]


SIGNS = (
    Sign(
        "stop",
        (
            (polygon(8, 1.0, 22.5), WHITE),
            (polygon(8, 0.9, 22.5), RED),
            (bar(0.22, 0.9, -0.26), WHITE),
            (bar(0.22, 0.9, 0.26), WHITE),
        ),
    ),
    Sign("give-way", ((polygon(3, 1.1, 30), RED), (polygon(3, 0.62, 30), WHITE))),
    Sign("no-entry", ((disc(0.97), WHITE), (disc(0.9), RED), (bar(1.3, 0.36), WHITE))),
    Sign("no-parking", ((disc(0.97), RED), (disc(0.72), BLUE), (bar(1.5, 0.24, turn=45), RED))),
    Sign(
        "speed-limit",
        (
            (disc(0.97), RED),
            (disc(0.72), WHITE),
            (bar(0.34, 0.8, -0.26), BLACK),
            (bar(0.34, 0.8, 0.26), BLACK),
            (bar(0.12, 0.4, 0.26), WHITE),
        ),
    ),
    Sign(
        "end-of-limits",
        (
            (disc(0.97), BLACK),
            (disc(0.88), WHITE),
            (bar(1.7, 0.16, -0.16, -0.16, turn=-45), BLACK),
            (bar(1.7, 0.16, 0.16, 0.16, turn=-45), BLACK),
        ),
    ),
    Sign(
        "straight-ahead",
        ((disc(0.97), BLUE), (bar(0.28, 0.8, 0.0, 0.25), WHITE), (shifted(polygon(3, 0.52, -30), 0.0, -0.25), WHITE)),
    ),
    Sign("priority-road", ((polygon(4, 1.05, 45), WHITE), (polygon(4, 0.82, 45), YELLOW))),
    Sign(
        "warning",
        (
            (polygon(3, 1.1, -30), RED),
            (polygon(3, 0.72, -30), YELLOW),
            (bar(0.2, 0.42, 0.0, -0.12), BLACK),
            (bar(0.2, 0.14, 0.0, 0.24), BLACK),
        ),
    ),
    Sign(
        "parking",
        (
            (polygon(4, 1.2, 0), BLUE),
            (bar(0.26, 1.2, -0.25), WHITE),
            (shifted(disc(0.42), 0.1, -0.2), WHITE),
            (shifted(disc(0.16), 0.1, -0.2), BLUE),
        ),
    ),
)
LABELS = tuple(sign.name for sign in SIGNS)
COMMONEST = "no-parking"


@dataclass(frozen=True, slots=True)
class Pictures:
    """`pixels` uint8 `(n, 3, SIDE, SIDE)`; `label` index into `LABELS`; `camera` and `light` names, all `(n,)`."""

    pixels: NDArray[np.uint8]
    label: NDArray[np.int64]
    camera: NDArray[np.str_]
    light: NDArray[np.str_]


def render_pictures(count: int, random: np.random.Generator) -> Pictures:
    """`count` pictures with equally many of every sign (the remainder goes to the first ones), in random order."""
    label = random.permutation(np.arange(count) % len(SIGNS))
    return _photographs(label, random.choice(CAMERAS, size=count), random)


def render_register(count: int, random: np.random.Generator) -> Pictures:
    """`count` pictures as the register of a city holds them: every other sign forbids parking, in every district."""
    common = LABELS.index(COMMONEST)
    others = [label for label in range(len(SIGNS)) if label != common]
    label = np.array([common if row < count // 2 else others[row % len(others)] for row in range(count)])
    rank = np.array([np.sum(label[:row] == label[row]) for row in range(count)])
    order = random.permutation(count)
    return _photographs(label[order], np.asarray(CAMERAS)[rank[order] % len(CAMERAS)], random)


def _photographs(label: NDArray[np.int64], camera: NDArray[np.str_], random: np.random.Generator) -> Pictures:
    light = random.choice(LIGHTS, size=len(label), p=(0.6, 0.25, 0.15))
    pixels = [_photograph(SIGNS[sign], str(lit), random) for sign, lit in zip(label, light, strict=True)]
    return Pictures(np.stack(pixels).transpose(0, 3, 1, 2), label, camera, light)


def render_streets(count: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """`count` pictures of the same street without any sign, uint8 `(count, 3, SIDE, SIDE)`."""
    nothing = Sign("none", ())
    lights = random.choice(LIGHTS, size=count)
    return np.stack([_photograph(nothing, str(light), random).transpose(2, 0, 1) for light in lights])


def _photograph(sign: Sign, light: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """One picture as the camera stores it, `(SIDE, SIDE, 3)`."""
    scene = _street(random)
    fading = random.uniform(0.0, 0.25)
    u, v = _sign_frame(random)
    scene[bar(0.16, 4.0, 0.0, 2.0)(u, v)] = (0.5, 0.5, 0.5) if sign.shapes else scene.mean(axis=(0, 1))
    for shape, colour in sign.shapes:
        scene[shape(u, v)] = (1 - fading) * np.asarray(colour) + fading * 0.6
    if random.random() < 0.5:
        scene[_branch(random)(u, v)] = random.uniform(0.1, 0.5) * np.asarray([0.8, 1.0, 0.6])
    picture = scene.reshape(SIDE, RAYS, SIDE, RAYS, 3).mean(axis=(1, 3))
    return _rgb565(_noise(_focus(_illuminate(picture, light, random), random), light, random))


def _street(random: np.random.Generator) -> Picture:
    """Sky, ground and a few blocks of houses, in flat colours."""
    side = SIDE * RAYS
    horizon = int(random.uniform(0.3, 0.7) * side)
    scene = np.empty((side, side, 3))
    scene[:horizon] = random.uniform(0.5, 0.9) * np.asarray([0.85, 0.95, 1.0])
    scene[horizon:] = random.uniform(0.2, 0.5) * np.asarray([1.0, random.uniform(0.85, 1.15), 0.85])
    for _ in range(int(random.integers(1, 5))):
        left, top = random.integers(0, side, size=2)
        width, height = random.integers(side // 8, side // 2, size=2)
        scene[top : top + height, left : left + width] = random.uniform(0.15, 0.85, size=3)
    return scene


def _branch(random: np.random.Generator) -> Shape:
    """Something that hides part of the sign."""
    away, towards = random.uniform(0.0, 1.0), random.uniform(0.0, 2 * math.pi)
    width, turn = random.uniform(0.1, 0.6), random.uniform(0.0, 180.0)
    return bar(2.5, width, away * math.cos(towards), away * math.sin(towards), turn)


def _sign_frame(random: np.random.Generator) -> tuple[Plane, Plane]:
    """For every ray, where it meets the plane of the sign."""
    ticks = (np.arange(SIDE * RAYS) + 0.5) / (SIDE * RAYS) * 2 - 1
    x, y = np.meshgrid(ticks, ticks)
    radius = random.uniform(0.4, 0.95)
    x, y = x - random.uniform(-0.9, 0.9) * (1 - radius), y - random.uniform(-0.9, 0.9) * (1 - radius)
    angle = math.radians(random.uniform(-16, 16))
    tilt = random.uniform(0.7, 1.0)
    u = (math.cos(angle) * x + math.sin(angle) * y) / (radius * tilt)
    v = (math.cos(angle) * y - math.sin(angle) * x) / radius
    return u, v


def _illuminate(picture: Picture, light: str, random: np.random.Generator) -> Picture:
    """Exposure and colour of the light."""
    darkest, brightest, tint = {
        "day": (0.8, 1.08, (1.0, 1.0, 1.0)),
        "dusk": (0.5, 0.8, (1.0, 0.92, 0.85)),
        "night": (0.25, 0.5, (1.0, 0.94, 0.8)),
    }[light]
    lit: Picture = picture * random.uniform(darkest, brightest) * np.asarray(tint)
    return lit


def _focus(picture: Picture, random: np.random.Generator) -> Picture:
    """Two three-pixel binomial blurs, from none to full."""
    for share in random.uniform(0.0, 1.0, size=2):
        picture = _blur(picture, share)
    return picture


def _blur(picture: Picture, share: float) -> Picture:
    wide = np.pad(picture, [(1, 1), (0, 0), (0, 0)], mode="edge")
    picture = picture + share * 0.25 * (wide[:-2] + wide[2:] - 2 * picture)
    wide = np.pad(picture, [(0, 0), (1, 1), (0, 0)], mode="edge")
    return picture + share * 0.25 * (wide[:, :-2] + wide[:, 2:] - 2 * picture)


def _noise(picture: Picture, light: str, random: np.random.Generator) -> Picture:
    """Sensor noise; a dark scene is amplified, and its noise with it."""
    strength = {"day": 0.004, "dusk": 0.008, "night": 0.016}[light]
    return picture + strength * random.standard_normal(picture.shape)


def _rgb565(picture: Picture) -> NDArray[np.uint8]:
    """Five bits of red and blue, six of green, widened again to eight."""
    levels = np.asarray([31, 63, 31])
    stored = np.rint(np.clip(picture, 0, 1) * levels)
    widened: NDArray[np.uint8] = np.rint(stored * 255 / levels).astype(np.uint8)
    return widened
