"""Charts from specifications of Vega-Lite: rendered once, as SVG that takes its colours from the page or from paper.

SVG that stands in the page needs no script: of the default benchmark's plots it takes less than the 0.9 MB that the
interactive renderer would.
"""

import json
import re
from functools import cache
from typing import Any

from markupsafe import Markup, escape

WIDTH, HEIGHT = 330, 240
EDGE = ' stroke="var(--page)" stroke-width="0.8"'  # of points, which a page's style sheet gives them
FONT = "Helvetica, Arial, sans-serif"
MARGIN = {"left": 62, "right": 14, "top": 10, "bottom": 46}
# The page's own colours, and what stands for them on paper.
PAPER = {
    "var(--text)": "#1c1d1f",
    "var(--soft)": "#5b5f66",
    "var(--rule)": "#dcdcd6",
    "var(--page)": "#ffffff",
    "var(--accent)": "#1f5fae",
    "var(--kind-0)": "#1f5fae",
    "var(--kind-1)": "#b4540a",
    "var(--kind-2)": "#17693a",
    "var(--kind-3)": "#8a2b87",
    "var(--kind-4)": "#5b5f66",
    "var(--kind-5)": "#767c85",
}
# Nothing depends on the width of a text, so that the fonts of a machine do not change the page.
AXIS = {
    "grid": True,
    "gridColor": "var(--rule)",
    "domainColor": "var(--soft)",
    "tickColor": "var(--soft)",
    "labelColor": "var(--soft)",
    "titleColor": "var(--text)",
    "titleFontWeight": "normal",
    "titleFontSize": 11,
    "labelFontSize": 10,
    "labelLimit": 0,
    "titleLimit": 0,
    "labelOverlap": False,
}
CONFIG: dict[str, Any] = {
    "axisX": {**AXIS, "minExtent": 22, "maxExtent": 22},
    "axisY": {**AXIS, "minExtent": 40, "maxExtent": 40},
    "view": {"stroke": None},
    "background": "transparent",
    "font": FONT,
}
LINK = re.compile(r'<a xlink:href="[^"#]*(#[^"]*)"><path aria-label="([^"]*)"')
POINT = re.compile(r'(?<!</title>)<path aria-label="([^"]*)" role="graphics-symbol" ([^>]*)/>')
CIRCLE = re.compile(
    r'<path([^>]*) d="M([\d.]+),0A\2,\2,0,1,1,-\2,0A\2,\2,0,1,1,\2,0"([^>]*?)(?:/>|>(<title>[^<]*</title>)</path>)'
)
TAG = re.compile(r"<[^>]*>")
DECORATION = re.compile(
    r' (?:role|aria-[a-z]+|pointer-events|stroke-miterlimit)="[^"]*"'
    r'| (?:opacity|stroke-width)="1"| [xy]2="0"| transform="translate\(0,0\)"'
)


@cache
def drawn(spec: str) -> str:
    """The SVG of a specification, as short as it goes: to a tenth of a pixel, without empty groups and defaults."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(spec)
    svg = LINK.sub(r'<a href="\1"><title>\2</title><path', svg)
    svg = POINT.sub(r"<path \2><title>\1</title></path>", svg)
    # not the words
    svg = TAG.sub(lambda tag: re.sub(r"(\d\.\d)\d+", r"\1", tag[0]), DECORATION.sub("", svg))
    svg = re.sub(r'<path class="(?:back|fore)ground"[^>]*/>', "", svg)
    svg = re.sub(r'<svg ([^>]*?) width="[^"]*" height="[^"]*"', r"<svg \1", svg)
    svg = re.sub(r"\s+class=\"[^\"]*\"", "", svg)
    svg = CIRCLE.sub(r'<circle\1 r="\2"\3>\4</circle>', svg)
    for _ in range(4):
        svg = re.sub(r"<g[^>]*></g>|<g>((?:<(?:line|text|a)\b(?:(?!</?g\b).)*))</g>", r"\1", svg)
    return svg


def in_page(spec: dict[str, Any], title: str) -> Markup:
    """For a page: its points are links, and the page's style sheet gives the colours and the letters."""
    svg = drawn(_text(spec)).replace(f' font-family="{FONT}"', "").replace(EDGE, "")
    svg = re.sub(
        r"<svg [^>]*(viewBox=\"[^\"]*\")[^>]*>",
        rf'<svg \1 role="group" aria-label="{escape(title)}">',
        svg,
        count=1,
    )
    return Markup(svg)


def on_paper(spec: dict[str, Any]) -> tuple[bytes, bytes]:
    """An SVG and the specification that it is of, as files of their own: without links, with the colours in them."""
    svg = re.sub(r'<a href="[^"]*">|</a>', "", drawn(_text(spec)))
    return _coloured(svg).encode(), _coloured(json.dumps(spec, indent=2, allow_nan=False)).encode()


def _coloured(text: str) -> str:
    for name, colour in PAPER.items():
        text = text.replace(name, colour)
    return text


def _text(spec: dict[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True, allow_nan=False)
