"""The stock JavaScript client (npm ``centrifuge``, as vendored) in real Chromium."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.feeds.harness import Running, open_poll, running, until
from tests.server import Server
from tests.web.client import ballot

LIBRARY = Path(__file__).parents[2] / "static" / "vendor" / "centrifuge.umd.js"
PAGE = """
<script>
window.states = []; window.codes = []; window.subscribed = 0;
function watch(url, options) {
  const client = new Centrifuge(url, { minReconnectDelay: 50, ...options });
  const poll = client.newSubscription("poll:1");
  poll.on("subscribed", (ctx) => { window.subscribed += 1; ctx.data && states.push(ctx.data); });
  poll.on("publication", (ctx) => states.push(ctx.data));
  client.on("connecting", (ctx) => codes.push(ctx.code));
  client.on("disconnected", (ctx) => codes.push(ctx.code));
  poll.subscribe();
  client.connect();
  window.client = client;
}
</script>
"""

pytestmark = pytest.mark.browser


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
        )
        yield launched
        await launched.close()


@pytest.fixture
async def pages() -> AsyncIterator[tuple[str, str]]:
    """Two origins that serve PAGE. Real ones: Chromium does not let a page of an intercepted
    request, whose address it cannot know, open a socket to this machine.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(PAGE), PAGE.encode())
        )
        writer.close()

    async with (
        await asyncio.start_server(serve, "127.0.0.1") as own,
        await asyncio.start_server(serve, "127.0.0.1") as foreign,
    ):
        ports = [server.sockets[0].getsockname()[1] for server in (own, foreign)]
        yield f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"


async def opened(browser: Browser, origin: str) -> Page:
    """A page of ``origin`` with the library and ``watch``."""
    page = await browser.new_page()
    await page.goto(f"{origin}/")
    await page.add_script_tag(path=str(LIBRARY))
    return page


async def holds(page: Page, condition: str) -> None:
    """Waits for a JavaScript condition. Asked from here: streamd's own pages forbid eval, with
    which Playwright's ``wait_for_function`` asks.
    """
    async with asyncio.timeout(20):
        while not await page.evaluate(condition):
            await asyncio.sleep(0.02)


async def test_it_sees_a_poll_move_calls_and_comes_back(
    chromium: Browser, pages: tuple[str, str]
) -> None:
    async with running(origins=pages[:1]) as gateway:
        page = await opened(chromium, pages[0])
        await page.evaluate("url => watch(url, {token: 'ana'})", gateway.url)
        await holds(page, "states.length === 1 && states[0].seq === 0")
        for seq in (1, 2, 3):
            gateway.hub.publish("poll:1", {"poll": "1", "seq": seq})
        await holds(page, "states.length === 4 && states[3].seq === 3")
        assert await page.evaluate("client.rpc('whoami', 7).then(r => r.data)") == {
            "voter": "device:ana",
            "data": 7,
        }
        assert await page.evaluate("client.rpc('refuse', {}).catch(e => e.code)") == 1003
        assert await page.evaluate("client.publish('poll:1', {}).catch(e => e.code)") == 103
        port = gateway.gateway.port
        await gateway.gateway.stop(1.0)
        await holds(page, "codes.includes(3001)")
        async with running(port=port, origins=pages[:1]) as again:
            await holds(page, "subscribed === 2")
            again.hub.publish("poll:1", {"seq": 9})
            await holds(page, "states.at(-1).seq === 9")


async def test_a_foreign_page_is_turned_away(chromium: Browser, pages: tuple[str, str]) -> None:
    async with running(origins=pages[:1]) as gateway:
        page = await opened(chromium, pages[1])
        await page.evaluate("url => watch(url, {})", gateway.url)
        await until(lambda: refused(gateway) >= 2)
        assert await page.evaluate("subscribed") == 0
        assert gateway.gateway.connections == 0


def refused(gateway: Running) -> float:
    """How many handshakes got 403."""
    return gateway.counted("refused_total", status="403")


async def test_it_refreshes_its_token_and_answers_pings(
    chromium: Browser, pages: tuple[str, str]
) -> None:
    async with running(ping_seconds=1, origins=pages[:1]) as gateway:
        page = await opened(chromium, pages[0])
        await page.evaluate(
            """url => { window.asked = 0; watch(url, { getToken: async () => {
                window.asked += 1; return asked === 1 ? 'expired' : 'ana/2'; } }) }""",
            gateway.url,
        )
        await holds(page, "asked >= 3 && subscribed === 1")
        await asyncio.sleep(1.5)
        assert gateway.gateway.connections == 1
        assert gateway.counted("disconnects_total", code="3012") == 0


async def test_a_page_of_streamd_votes_and_sees_the_count_rise(
    chromium: Browser, server: Server, stream_key: str
) -> None:
    """A whole streamd: its origin, content security policy, cookie, proof and token."""
    poll_id = await open_poll(server, stream_key)
    page = await chromium.new_page()
    await page.goto(f"{server.url}/")
    await page.add_script_tag(url="/static/vendor/centrifuge.umd.js")
    await page.evaluate(
        """async ([url, channel]) => {
            const { identity } = await import("/static/js/identity/identity.js");
            const token = await identity.token();
            window.states = [];
            window.client = new Centrifuge(url, { token });
            const poll = client.newSubscription(channel);
            poll.on("subscribed", (ctx) => states.push(ctx.data));
            poll.on("publication", (ctx) => states.push(ctx.data));
            poll.subscribe();
            client.connect();
        }""",
        [server.feed_url, f"poll:{poll_id}"],
    )
    await holds(page, "states.length === 1 && states[0].total === 0")
    vote = {"poll": poll_id, **ballot("1")}
    receipt = await page.evaluate("vote => client.rpc('vote', vote).then(r => r.data)", vote)
    promised = {"poll": poll_id, "ballot_id": vote["ballot_id"], "shard": 0, "seq": 1}
    assert receipt == {**promised, "log": f"localhost/{poll_id}", "sig": receipt["sig"]}
    await holds(page, "states.at(-1).total === 1 && states.at(-1).counts['1'] === 1")
    again = {"poll": poll_id, **ballot("2")}
    code = await page.evaluate("vote => client.rpc('vote', vote).catch(e => e.code)", again)
    assert code == 1005
    await page.close()
