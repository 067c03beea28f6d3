"""Laws for readers with a keyboard, a screen reader or weak eyes: names, order, contrast.  axe-core: docs/report.md."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from test_report import EVERYTHING, Elements, dataset, page

from genbench import report

STYLE = (Path(report.__file__).parent / "templates/style.css").read_text()
WORDS = ("--text", "--soft", "--accent", "--good", "--warn", "--bad")
MARKS = ("--kind-0", "--kind-1", "--kind-2", "--kind-3", "--kind-4", "--kind-5", "--strong")


def contrast(one: str, other: str) -> float:
    """Of two colours #rrggbb: WCAG 2.2, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_words_and_marks_stand_out(which: int) -> None:
    block = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[which]
    colours = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", block))
    for ground in ("--page", "--panel"):
        assert {name: contrast(colours[name], colours[ground]) >= 4.5 for name in WORDS} == dict.fromkeys(
            WORDS, True
        )
    assert {name: contrast(colours[name], colours["--page"]) >= 3 for name in MARKS} == dict.fromkeys(
        MARKS, True
    )


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_numbers_stand_out_on_the_strongest_tint(which: int) -> None:
    block = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[which]
    ground, words = re.findall(r"--(?:page|text): (#[0-9a-f]{6})", block)
    assert re.search(r"\.more, \.fewer \{ color: var\(--text\); \}", STYLE), (
        "the soft words of controls do not"
    )
    for tint in re.findall(r"--(?:more|fewer): (\d+ \d+ \d+)", block):
        mixed = (
            0.6 * int(top) + 0.4 * int(ground[i : i + 2], 16)
            for top, i in zip(tint.split(), (1, 3, 5), strict=True)
        )
        assert contrast(words, "#" + "".join(f"{round(part):02x}" for part in mixed)) >= 4.5


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the grey that just fails


def test_everything_has_a_name_and_a_place() -> None:
    html = page(EVERYTHING, [dataset()])
    tags = Elements(html).tags
    names = [name for name, _ in tags]
    assert all(names.count(landmark) == 1 for landmark in ("main", "nav", "footer", "h1"))
    assert names.count("table") == names.count("caption")
    assert all(attributes.get("scope") for name, attributes in tags if name == "th")
    assert all(
        attributes.get("aria-label") for name, attributes in tags if attributes.get("role") == "region"
    )
    levels = [int(name[1]) for name in names if re.fullmatch(r"h[1-6]", name)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert re.search(r"<html lang=", html)


def test_a_plot_says_what_its_points_are_and_no_line_has_a_role() -> None:
    html = page(EVERYTHING, [dataset()])
    drawn = re.findall(r'<svg viewBox="[^"]*" role="group" aria-label="([^"]+)">(.*?)</svg>', html, re.DOTALL)
    assert drawn
    for name, inside in drawn:
        assert " against " in name or name.endswith(", row by row")
        assert not re.search(r"<(?:line|path|g|text)[^>]*(?:aria-|role=)", inside)
        assert len(re.findall("<a ", inside)) == len(re.findall(r"<a [^>]*><title>[^<]+</title>", inside)) > 0
