"""Self-contained HTML pages: pictures inlined, curves as SVG, readable in light and dark."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import cv2
import numpy as np

from dcme.files import PathLike, write_text
from dcme.tables import Table
from dcme.training.log import Curve

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #667080;
  --line: #dfe3e8; --card: #f5f7f9; --accent: #0b6bcb; --second: #d9730d; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e6e8ea; --soft: #98a2ad;
  --line: #2d333a; --card: #1d2227; --accent: #6cb2ff; --second: #ffab5c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 100rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .8rem; }
p { max-width: 46rem; } .soft, figcaption { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .8rem;
  margin: 1.5rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .8rem 1rem; }
.card b { display: block; font-size: 1.6rem; font-weight: 650; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
th { color: var(--soft); font-weight: 500; }
tr.strong td { font-weight: 650; border-top: 2px solid var(--line); }
.row { display: grid; gap: .5rem; margin-bottom: .9rem;
  grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); }
figure { margin: 0; } figcaption { font-size: .82rem; padding-top: .15rem; }
img { width: 100%; display: block; border-radius: .3rem; }
svg { width: 100%; height: auto; max-width: 52rem; } svg text { fill: var(--soft);
  font: 12px system-ui, sans-serif; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem;
  overflow-x: auto; font-size: .85rem; }
"""


def image_tag(image: np.ndarray, alt: str) -> str:
    """An inlined picture of a BGR image (H, W, 3), shown at twice its size at most."""
    content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    data = base64.b64encode(content).decode()
    width = f"max-width: {2 * image.shape[1]}px"
    return f'<img alt="{escape(alt)}" style="{width}" src="data:image/jpeg;base64,{data}">'


def _ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers that span the range."""
    span = max(high - low, 1e-12)
    power = 10.0 ** np.floor(np.log10(span / count))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= count)
    return [float(v) for v in np.arange(np.ceil(low / step) * step, high + 1e-9 * span, step)]


def curve_svg(curves: Sequence[tuple[str, Curve]], x_label: str, y_label: str) -> str:
    """Named curves as an SVG line chart in the page's colours, each faintly behind its running
    mean."""
    shown = [(name, curve) for name, curve in curves if np.isfinite(curve.values).any()]
    if not shown:
        return "<p class='soft'>no curve</p>"
    width, height, left, bottom, top = 840.0, 320.0, 64.0, 44.0, 12.0
    x_high = max(max(curve.iterations) for _, curve in shown)
    values = np.concatenate([curve.values for _, curve in shown])
    values = values[np.isfinite(values)]
    y_low, y_high = min(0.0, float(values.min())), float(np.percentile(values, 99.5)) * 1.05

    def at(x: float, y: float) -> str:
        column = left + (width - left - 12) * x / max(x_high, 1)
        share = min(max((y - y_low) / max(y_high - y_low, 1e-12), 0.0), 1.0)
        return f"{column:.1f},{height - bottom - (height - bottom - top) * share:.1f}"

    def line(curve: Curve, colour: str, extra: str) -> str:
        points = " ".join(at(x, y) for x, y in zip(curve.iterations, curve.values) if y == y)
        return f'<polyline points="{points}" fill="none" stroke="var(--{colour})" {extra}/>'

    def dots(curve: Curve, colour: str) -> str:
        places = [at(x, y).split(",") for x, y in zip(curve.iterations, curve.values) if y == y]
        return "".join(
            f'<circle cx="{x}" cy="{y}" r="3.5" fill="var(--{colour})"/>' for x, y in places
        )

    parts = [f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{y_label}">']
    for tick in _ticks(y_low, y_high):
        x, y = at(0, tick).split(",")
        parts.append(f'<path d="M{x} {y}H{width - 12}" stroke="var(--line)"/>')
        parts.append(f'<text x="{left - 8}" y="{float(y) + 4}" text-anchor="end">{tick:g}</text>')
    for tick in _ticks(0, x_high, 8):
        x = at(tick, y_low).split(",")[0]
        parts.append(f'<text x="{x}" y="{height - 24}" text-anchor="middle">{tick:g}</text>')
    for index, (name, curve) in enumerate(shown):
        colour = ("accent", "second")[index % 2]
        parts.append(line(curve, colour, 'opacity="0.3"'))
        parts.append(line(curve.smoothed(len(curve.values) // 25), colour, 'stroke-width="2"'))
        if curve.few:
            parts.append(dots(curve, colour))
        at_y = top + 8 + 18 * index
        parts.append(
            f'<text x="{width - 20}" y="{at_y}" text-anchor="end" style="fill:'
            f'var(--{colour})">{escape(name)}</text>'
        )
    parts.append(
        f'<text x="{width / 2}" y="{height - 6}" text-anchor="middle">{escape(x_label)}</text>'
    )
    return "".join(parts) + "</svg>"


@dataclass
class Page:
    """An HTML page that grows from top to bottom."""

    title: str
    parts: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """A section's title."""
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str, soft: bool = False) -> None:
        """A paragraph."""
        kind = ' class="soft"' if soft else ""
        self.parts.append(f"<p{kind}>{escape(text)}</p>")

    def code(self, text: str) -> None:
        """Commands or other preformatted text."""
        self.parts.append(f"<pre>{escape(text)}</pre>")

    def cards(self, figures: Sequence[tuple[str, str]]) -> None:
        """Large figures with their captions."""
        cells = (f'<div class="card"><b>{escape(v)}</b>{escape(k)}</div>' for k, v in figures)
        self.parts.append(f'<div class="cards">{"".join(cells)}</div>')

    def table(self, table: Table) -> None:
        """A table that scrolls where it is too wide; its title is left out."""
        self.parts.append(f'<div class="wide">{table.as_html()}</div>')

    def chart(self, curves: Sequence[tuple[str, Curve]], x_label: str, y_label: str) -> None:
        """A line chart."""
        self.parts.append(curve_svg(curves, x_label, y_label))

    def gallery(self, rows: Sequence[Sequence[tuple[str, np.ndarray]]]) -> None:
        """Rows of captioned BGR pictures, which break where they would be too small to see."""
        for row in rows:
            figures = "".join(
                f"<figure>{image_tag(image, caption)}<figcaption>{escape(caption)}</figcaption>"
                "</figure>"
                for caption, image in row
            )
            self.parts.append(f'<div class="row">{figures}</div>')

    def html(self) -> str:
        """The whole page."""
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style></head><body>"
            f"<h1>{escape(self.title)}</h1>{''.join(self.parts)}</body></html>\n"
        )

    def write(self, path: PathLike) -> None:
        """Write the page atomically."""
        write_text(path, self.html())
