"""The printable sheet of a batch of access codes: a card a code, with its QR, on A4.

The file that ``streamd codes make --sheet`` writes stands by itself, style included, and prints
from anywhere; what is served links its style, as the pages' Content-Security-Policy demands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import segno
from jinja2 import Environment
from markupsafe import Markup

from streamd.config import Event
from streamd.identity_codes import shown
from streamd.identity_store import Batch
from streamd.web.assets import STATIC
from streamd.web.language import Catalogue

_STYLE = STATIC / "css" / "code_sheet.css"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed. ``link`` is where a code is entered, without its fragment; ``purpose``
    what the codes are for, in words: a poll's question, or empty for the event.
    """

    batch: Batch
    codes: Sequence[str]
    link: str
    purpose: str


async def render_sheet(
    sheet: Sheet,
    templates: Environment,
    catalogue: Catalogue,
    event: Event,
    language: str,
    style_url: str = "",
) -> str:
    """The page, whole. Gives way to the loop after each card: a QR takes milliseconds."""
    cards = []
    for code in sheet.codes:
        cards.append((shown(code), _qr(f"{sheet.link}#code={shown(code)}")))
        await asyncio.sleep(0)
    regions = {region.id: region.name for region in event.regions}
    name = regions.get(sheet.batch.region)
    # "</" cannot stand in our own style sheet.
    style = Markup(_STYLE.read_text(encoding="utf-8"))  # noqa: S704
    return templates.get_template("code_sheet.html").render(
        lang=language,
        dir=catalogue.direction,
        title=catalogue.pick(event.title),
        purpose=sheet.purpose,
        region=catalogue.pick(name) if name else "",
        batch=sheet.batch,
        link=sheet.link.split("://", 1)[-1],
        cards=cards,
        style=style,
        style_url=style_url,
    )


def _qr(link: str) -> Markup:
    code = segno.make(link, error="m", micro=False)
    return Markup(code.svg_inline(omitsize=True, border=4, svgclass="qr", lineclass=None))  # noqa: S704
