"""``/api/v1/codes``: access codes for the holder of the headquarters' key.

The codes stand in the reply that makes them and on its sheet, which is given out once; nothing
that is kept leads back to them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Annotated

import msgspec
from aiohttp import web

from streamd.errors import Forbidden, Unauthenticated, UnknownBatch
from streamd.identity_codes import MOST_A_REQUEST, shown
from streamd.keys import HEADQUARTERS
from streamd.web.identity_sheet import Sheet, render_sheet
from streamd.web.json_bodies import read, reply
from streamd.web.language import choose
from streamd.web.problems import BadRequest
from streamd.web.security import acts_by_key, own_origin
from streamd.web.services import SERVICES, Services, bearer

routes = web.RouteTableDef()

SHEET_SECONDS = 600.0
SHEETS = 16


class NewCodes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/v1/codes``. Without a ``poll`` the codes hold for the whole event."""

    count: Annotated[int, msgspec.Meta(ge=1, le=MOST_A_REQUEST)]
    poll: str = ""
    region: str = ""
    label: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Sheets:
    """Sheets not yet fetched, in memory alone: at most SHEETS, the oldest gives way, and none
    longer than SHEET_SECONDS. ``dropped`` counts those that gave way.
    """

    def __init__(self) -> None:
        self._sheets: OrderedDict[str, tuple[float, Sheet]] = OrderedDict()
        self.dropped = 0

    def put(self, sheet: Sheet, now: float) -> None:
        """Keeps ``sheet`` for whoever fetches it first."""
        self._expire(now)
        self._sheets[sheet.batch.id] = (now + SHEET_SECONDS, sheet)
        if len(self._sheets) > SHEETS:
            self._sheets.popitem(last=False)
            self.dropped += 1

    def take(self, batch: str, now: float) -> Sheet:
        """The sheet, which is then gone. Raises UnknownBatch."""
        self._expire(now)
        if batch not in self._sheets:
            raise UnknownBatch(
                "There is no such sheet, or no more: a sheet is given out once, within ten minutes "
                "of its making. Withdraw the batch and make a new one."
            )
        return self._sheets.pop(batch)[1]

    def _expire(self, now: float) -> None:
        while self._sheets and next(iter(self._sheets.values()))[0] < now:
            self._sheets.popitem(last=False)


SHEETS_KEPT: web.AppKey[Sheets] = web.AppKey("sheets", Sheets)


@routes.post("/api/v1/codes")
@acts_by_key
async def make_codes(request: web.Request) -> web.Response:
    """New codes, in this reply alone; their sheet is at ``sheet``, once."""
    services = await _for_headquarters(request)
    asked = await read(request, NewCodes)
    if asked.region and asked.region not in services.tiers.regions:
        raise BadRequest(f"“{asked.region}” is no region of this event: see [event] regions.")
    link, purpose = own_origin(request, services) + "/", ""
    if asked.poll:
        poll = await services.polls.get(asked.poll)
        link, purpose = f"{link}watch/{poll.stream}", poll.question
    now = time.time()
    batch, codes = await services.tiers.make_codes(
        asked.poll, asked.region, asked.count, asked.label, now
    )
    request.app[SHEETS_KEPT].put(Sheet(batch, codes, link, purpose), now)
    row = {
        **msgspec.to_builtins(batch),
        "codes": [shown(code) for code in codes],
        "sheet": f"/api/v1/codes/{batch.id}/sheet",
    }
    return reply(row, 201, {"Location": f"/api/v1/codes/{batch.id}"})


@routes.get("/api/v1/codes")
async def list_codes(request: web.Request) -> web.Response:
    """The batches that hold, oldest first, without their codes."""
    services = await _for_headquarters(request)
    return reply({"batches": await services.tiers.store.batches()})


@routes.delete("/api/v1/codes/{batch}")
@acts_by_key
async def withdraw_codes(request: web.Request) -> web.Response:
    """A batch's codes are taken no more; votes that were cast with them stay counted."""
    services = await _for_headquarters(request)
    if not await services.tiers.store.withdraw(request.match_info["batch"]):
        raise UnknownBatch("There is no such batch, or it was withdrawn before.")
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


@routes.get("/api/v1/codes/{batch}/sheet")
async def code_sheet(request: web.Request) -> web.Response:
    """The sheet to print, in the asker's language; once, within ten minutes."""
    services = await _for_headquarters(request)
    sheet = request.app[SHEETS_KEPT].take(request.match_info["batch"], time.time())
    language = choose(request)
    text = await render_sheet(
        sheet,
        services.templates[language],
        services.catalogues[language],
        services.config.event,
        language,
        # Whole, because the headquarters' page shows the sheet in a frame without an address.
        style_url=own_origin(request, services) + services.assets.url("css/code_sheet.css"),
    )
    return web.Response(text=text, content_type="text/html")


async def _for_headquarters(request: web.Request) -> Services:
    services = request.app[SERVICES]
    key = bearer(request)
    if key is None:
        raise Unauthenticated(
            "This needs the headquarters' key. Send it as “Authorization: Bearer KEY”."
        )
    record = await services.keys.find(key)
    if record.scope != HEADQUARTERS:
        raise Forbidden("Access codes are made with the headquarters' key.")
    return services
