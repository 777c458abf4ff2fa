"""Colours that everyone can tell apart, on either background, in colour and in grey."""

from __future__ import annotations

from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

import pytest

from fastapi_tasks.timeline import MODES, SCHEDULED_MODES, Mode
from visualize.theme import (
    COLORS,
    HATCHES,
    SHAPES,
    ThemeName,
    blend,
    contrast,
    ink,
    looks,
    luminance,
    readable,
)

Triple = tuple[float, float, float]

THEMES: tuple[ThemeName, ...] = ("light", "dark")
PLAIN = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE TVCG 15 (2009), table 1, severity 1.0; they apply to linear RGB.
VISIONS = {
    "normal": PLAIN,
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "grey": ((0.2126, 0.7152, 0.0722),) * 3,
}
# IEC 61966-2-1: linear sRGB to CIE XYZ, and its white.
XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.9505, 1.0, 1.089)


def linear(color: str) -> Triple:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def product(matrix: tuple[tuple[float, ...], ...], vector: Triple) -> Triple:
    x, y, z = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z


def lab(color: str, vision: str) -> Triple:
    """The colour as this vision sees it, in CIE L*a*b*."""
    red, green, blue = (min(max(c, 0), 1) for c in product(VISIONS[vision], linear(color)))
    x, y, z = (
        _curve(value / white)
        for value, white in zip(product(XYZ, (red, green, blue)), WHITE, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _curve(t: float) -> float:
    return float(t ** (1 / 3)) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29


def difference(one: Triple, other: Triple) -> float:
    """CIEDE2000 (CIE 142-2001; Sharma, Wu and Dalal 2005). About 2 is just noticeable."""
    mean = (hypot(*one[1:]) + hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * sqrt(mean**7 / (mean**7 + 25**7))
    (chroma, hue), (chroma2, hue2) = _polar(one, stretch), _polar(other, stretch)
    turn = (hue2 - hue + 180) % 360 - 180 if chroma * chroma2 else 0
    lightness, saturation = (one[0] + other[0]) / 2, (chroma + chroma2) / 2
    middle = hue + turn / 2 if chroma * chroma2 else hue + hue2
    weight = (
        1
        - 0.17 * cos(radians(middle - 30))
        + 0.24 * cos(radians(2 * middle))
        + 0.32 * cos(radians(3 * middle + 6))
        - 0.20 * cos(radians(4 * middle - 63))
    )
    square = (lightness - 50) ** 2
    light = (other[0] - one[0]) / (1 + 0.015 * square / sqrt(20 + square))
    colorful = (chroma2 - chroma) / (1 + 0.045 * saturation)
    turned = 2 * sqrt(chroma * chroma2) * sin(radians(turn / 2)) / (1 + 0.015 * saturation * weight)
    blue = sin(radians(60 * exp(-((((middle % 360) - 275) / 25) ** 2))))
    rotation = -2 * sqrt(saturation**7 / (saturation**7 + 25**7)) * blue
    return sqrt(light**2 + colorful**2 + turned**2 + rotation * colorful * turned)


def _polar(color: Triple, stretch: float) -> tuple[float, float]:
    _, a, b = color
    return hypot(a * stretch, b), degrees(atan2(b, a * stretch)) % 360


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_is_that_of_the_published_examples(
    one: Triple, other: Triple, expected: float
) -> None:
    assert difference(one, other) == pytest.approx(expected, abs=5e-5)


def nearest(theme: ThemeName, vision: str, modes: tuple[Mode, ...]) -> float:
    """How far apart the two colours are that are most alike."""
    colors = [lab(COLORS[theme][mode], vision) for mode in modes]
    return min(difference(*pair) for pair in combinations(colors, 2))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISIONS)
def test_the_modes_are_told_apart_by_everyone(theme: ThemeName, vision: str) -> None:
    assert nearest(theme, vision, SCHEDULED_MODES) > 10
    # Five steps of grey have not that much room; words, shapes and hatches tell the rest.
    assert nearest(theme, vision, MODES) > (5 if vision == "grey" else 10)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISIONS)
def test_a_span_is_not_taken_for_a_task(theme: ThemeName, vision: str) -> None:
    table = looks(COLORS[theme])
    span = lab(table["span", None].fill, vision)

    assert min(difference(span, lab(table["run", mode].fill, vision)) for mode in MODES) > 20


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISIONS)
def test_what_held_the_loop_is_not_taken_for_what_failed(theme: ThemeName, vision: str) -> None:
    held, failed = (lab(COLORS[theme][name], vision) for name in ("busy", "error"))

    assert difference(held, failed) > 10


@pytest.mark.parametrize("theme", THEMES)
def test_every_bar_stands_out_from_the_background(theme: ThemeName) -> None:
    palette = COLORS[theme]

    low = {
        key: contrast(look.edge, palette["paper"])
        for key, look in looks(palette).items()
        if contrast(look.edge, palette["paper"]) < 3
    }
    assert low == {}


@pytest.mark.parametrize("theme", THEMES)
def test_words_are_readable_on_the_background(theme: ThemeName) -> None:
    palette = COLORS[theme]

    assert contrast(palette["text"], palette["paper"]) > 7
    assert contrast(palette["muted"], palette["paper"]) > 4.5
    assert contrast(palette["error"], palette["paper"]) > 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_the_modes_are_readable_as_words(theme: ThemeName) -> None:
    palette = COLORS[theme]

    words = [readable(palette[mode], palette) for mode in MODES]
    assert min(contrast(word, palette["paper"]) for word in words) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_words_are_readable_on_every_bar(theme: ThemeName) -> None:
    low = {
        key: contrast(ink(look.fill), look.fill)
        for key, look in looks(COLORS[theme]).items()
        if contrast(ink(look.fill), look.fill) < 4.5
    }
    assert low == {}


@pytest.mark.parametrize("theme", THEMES)
def test_a_wait_is_told_from_a_run_without_its_hatch(theme: ThemeName) -> None:
    table = looks(COLORS[theme])

    assert min(contrast(table["wait", m].fill, table["run", m].fill) for m in MODES) > 2.5


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_late_has_a_stronger_hatch_than_what_a_mode_holds_back(theme: ThemeName) -> None:
    paper = COLORS[theme]["paper"]
    table = looks(COLORS[theme])

    for mode in MODES:
        held, wait = table["held", mode], table["wait", mode]
        assert held.hatch is not None
        assert wait.hatch is not None
        assert set(held.hatch) == set(wait.hatch) == {HATCHES[mode]}
        assert len(held.hatch) < len(wait.hatch)
        assert contrast(held.lines or held.edge, paper) < contrast(wait.lines or wait.edge, paper)
        assert contrast(held.fill, paper) < contrast(wait.fill, paper)


def test_each_mode_has_a_shape_and_a_hatch_of_its_own() -> None:
    assert len(set(SHAPES.values())) == len(set(HATCHES.values())) == len(MODES)


def test_both_themes_have_the_same_colours() -> None:
    assert COLORS["light"].keys() == COLORS["dark"].keys()


def test_contrast_goes_from_1_to_21() -> None:
    assert contrast("#777777", "#777777") == 1
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert luminance("#ff0000") == pytest.approx(0.2126)


def test_blend_lays_a_share_of_a_colour_over_another() -> None:
    assert blend("#ff0000", "#ffffff", 0.2) == "#ffcccc"
    assert ink("#ffffff") == "#10141a"
