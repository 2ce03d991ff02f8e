"""The pieces that every self-contained HTML page is made of: style, tables, sections, pictures, the document."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #1b1b1b; background: #fff;
       max-width: 1180px; margin: 0 auto; padding: 24px 28px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 34px 0 8px; border-bottom: 1px solid #ddd;
       padding-bottom: 4px; } h3 { font-size: 15.5px; margin: 20px 0 6px; }
p { margin: 6px 0; max-width: 60em; } .lead { color: #444; max-width: none; }
.research { border-left: 5px solid #D55E00; background: #fdf3ec; padding: 8px 12px; font-weight: 600; }
.warning { border-left: 5px solid #E69F00; background: #fff8e8; padding: 8px 12px; }
img { max-width: 100%; height: auto; border: 1px solid #e4e4e4; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; margin: 6px 0; width: 100%; }
th, td { text-align: left; padding: 3px 9px 3px 0; border-bottom: 1px solid #ececec; vertical-align: top; }
th { font-weight: 600; border-bottom: 1px solid #aaa; white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.number { text-align: right; } td.broken { color: #b03a00; font-weight: 700; }
td.small { color: #555; font-size: 12px; min-width: 16em; } code, pre { font-family: "DejaVu Sans Mono", monospace; }
pre { font-size: 12px; background: #f7f7f7; padding: 10px; overflow-x: auto; max-height: 34em; }
details { margin: 8px 0; } summary { cursor: pointer; font-weight: 600; }
nav a { margin-right: 16px; } footer { margin-top: 40px; color: #666; font-size: 12.5px; }
@media print { details > * { display: block; } }
"""


def document(title: str, body: str, footer: str, style: str = "") -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
        Plain text.
    body, footer : str
        HTML.
    style : str
        Rules beyond `STYLE`.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n{body}\n"
        f"<footer>{footer}</footer>\n</body>\n</html>\n"
    )


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], kinds: Mapping[int, str] | None = None
) -> str:
    """Return an HTML table; `kinds` gives the class of a column (``number``, ``small``) by position."""
    kinds = kinds or {}

    def cell(tag: str, position: int, text: str) -> str:
        kind = kinds.get(position, "")
        if tag == "td" and text == "broken":
            kind = "broken"
        mark = f' class="{kind}"' if kind else ""
        return f"<{tag}{mark}>{escape(text)}</{tag}>"

    head = "".join(cell("th", i, text) for i, text in enumerate(header))
    body = "\n".join(f"<tr>{''.join(cell('td', i, str(x)) for i, x in enumerate(row))}</tr>" for row in rows)
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def section(anchor: str, title: str, content: str) -> str:
    """Return a section with a heading; `content` is HTML, `title` plain text."""
    return f'<section id="{anchor}">\n<h2>{escape(title)}</h2>\n{content}\n</section>'


def image(kind: str, data: bytes, words_for_it: str) -> str:
    """Return a picture within the page; `kind` is its MIME type."""
    coded = base64.b64encode(data).decode("ascii")
    return f'<img alt="{escape(words_for_it, quote=True)}" src="data:{kind};base64,{coded}">'
