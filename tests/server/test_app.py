"""The app put together: pages, health, errors, headers."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lxml import html
from starlette.applications import Starlette

from nashira.config.site import SiteFolder, open_site
from nashira.ingest.publish import publish
from nashira.ingest.report import LogReport
from nashira.schema.arrow import schema_of
from nashira.schema.model import Column
from nashira.schema.types import DOUBLE, LONG
from nashira.server.app import create_app
from nashira.server.health import Health

COLUMNS = (
    Column("id", LONG, "Number <b>bold</b>", ucd="meta.id;meta.main"),
    Column("ra", DOUBLE, "Right ascension", "deg", "pos.eq.ra;meta.main"),
    Column("dec", DOUBLE, "Declination", "deg", "pos.eq.dec;meta.main"),
)
Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    root = tmp_path_factory.mktemp("site")
    (root / "nashira.toml").write_text(
        '[service]\nbase_url = "https://vo.example.org/sky"\ntitle = "<Sky> & more"\ncontact = "a@example.org"\n'
    )
    made = open_site(root)
    number = np.arange(20)
    rows = pa.Table.from_arrays(
        [pa.array(number), pa.array(number * 1.0), pa.array(number * 0.5)], schema=schema_of(COLUMNS)
    )
    pq.write_table(rows, root / "t.parquet")
    publish(made, [root / "t.parquet"], table="demo.stars", schema=None, report=LogReport())
    return made


@pytest.fixture(scope="module")
def app(folder: SiteFolder) -> Starlette:
    return create_app(folder)


@pytest.fixture(scope="module")
def ask(app: Starlette) -> Iterator[Ask]:
    """Requests to the app in this process, within its lifespan."""
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())

        def request(path: str, method: str = "GET", **options: Any) -> httpx.Response:
            async def once() -> httpx.Response:
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(transport=transport, base_url="http://proxy.internal") as client:
                    return await client.request(method, path, **options)

            return runner.run(once())

        yield request
        runner.run(lifespan.__aexit__(None, None, None))


def test_home_tells_people_what_is_here(ask: Ask) -> None:
    answer = ask("/")
    assert answer.headers["content-type"].startswith("text/html")
    page: Any = html.fromstring(answer.text)
    text = page.text_content()
    assert "https://vo.example.org/sky/tap" in text
    assert 'pyvo.dal.TAPService("https://vo.example.org/sky/tap")' in text
    assert "demo.stars" in text
    assert "20" in text
    (form,) = page.xpath("//form")
    assert (form.get("method"), form.get("action")) == ("post", "/sky/tap/sync")
    assert form.xpath("string(.//textarea)").startswith("SELECT")
    assert "html" in form.xpath(".//option/@value")


def test_pages_are_accessible(ask: Ask) -> None:
    for path in ("/", "/tap", "/tables/demo.stars"):
        page: Any = html.fromstring(ask(path).text)
        assert page.get("lang") == "en"
        assert len(page.xpath("//title")) == len(page.xpath("//h1")) == 1
        for control in page.xpath("//textarea | //select | //input[@type!='hidden']"):
            named = control.xpath("ancestor::label") or page.xpath(f"//label[@for='{control.get('id')}']")
            assert named, control.get("name")
        assert not page.xpath("//img | //link")
        assert page.xpath("//script/@src") == ["/sky/query.js"]
        assert not page.xpath("//script[text()]")


def test_everything_is_escaped(ask: Ask) -> None:
    for path in ("/", "/tap", "/tables/demo.stars", "/tap/examples"):
        text = ask(path).text
        assert "<Sky>" not in text
        assert "<b>bold" not in text
    assert "&lt;b&gt;bold" in ask("/tables/demo.stars").text


def test_table_page(ask: Ask) -> None:
    page: Any = html.fromstring(ask("/tables/demo.stars").text)
    rows = [[cell.text_content() for cell in row] for row in page.xpath("//tbody/tr")]
    assert [row[0] for row in rows] == ["id", "ra", "dec"]
    assert rows[1][2:4] == ["deg", "pos.eq.ra;meta.main"]


def test_links_lead_somewhere(ask: Ask) -> None:
    for start in ("/", "/tap", "/tables/demo.stars"):
        page: Any = html.fromstring(ask(start).text)
        for link in page.xpath("//a/@href[starts-with(., '/')]"):
            assert ask(link).status_code == 200, link


def test_path_of_the_base_url_is_cut_off(ask: Ask) -> None:
    assert ask("/sky/tap/capabilities").content == ask("/tap/capabilities").content
    assert ask("/sky/").content == ask("/sky").content == ask("/").content


def test_documents_use_the_public_url_never_the_host_header(ask: Ask) -> None:
    """VOSI-C5."""
    for path in ("/tap/capabilities", "/capabilities", "/"):
        text = ask(path).text
        assert "https://vo.example.org/sky/tap" in text
        assert "proxy.internal" not in text
    created = ask("/tap/async", "POST", data={"QUERY": "SELECT 1 AS x"})
    assert created.headers["location"].startswith("https://vo.example.org/sky/tap/async/")


def test_health(ask: Ask) -> None:
    answer = ask("/health")
    assert (answer.status_code, answer.json()) == (200, {"live": True, "ready": True})


def test_trouble_is_told(app: Starlette, folder: SiteFolder) -> None:
    class Broken:
        catalog = property(lambda _: 1 / 0)

    broken: Any = Broken()
    health = Health(broken)
    assert "cannot be answered" in health.trouble()
    request: Any = None
    answer = asyncio.run(health.endpoint(request))
    assert answer.status_code == 503
    assert b'"ready":false' in answer.body


@pytest.mark.parametrize("path", ["/availability", "/capabilities", "/tap/availability", "/robots.txt"])
def test_resources_of_the_site(ask: Ask, path: str) -> None:
    assert ask(path).status_code == 200
    assert ask(path, "HEAD").status_code == 200
    assert ask(path, "POST").status_code == 405


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/nothing", "text/html,*/*", "text/html"),
        ("/nothing", "*/*", "text/plain"),
        ("/tables/no.such", "text/html", "text/html"),
        ("/tap/nothing", "text/html", "application/x-votable+xml"),
        ("/tap/tables/no.such", "*/*", "application/x-votable+xml"),
    ],
)
def test_errors_suit_their_readers(ask: Ask, path: str, accept: str, kind: str) -> None:
    answer = ask(path, headers={"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith(kind)


def test_names_in_errors_are_escaped(ask: Ask) -> None:
    answer = ask("/tables/<script>alert(1)", headers={"accept": "text/html"})
    assert "<script>" not in answer.text


def test_unexpected_errors_say_nothing(folder: SiteFolder, caplog: Any) -> None:
    app = create_app(folder)

    def fail(_: object) -> None:
        message = "secret /path SELECT"
        raise RuntimeError(message)

    app.router.routes[0].app = _raising(fail)  # type: ignore[attr-defined]

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.get("/", headers={"x-request-id": "abc-1"})

    answer = asyncio.run(once())
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "abc-1" in answer.text


def _raising(fail: Callable[[object], None]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        fail(scope)

    return app


def test_headers(ask: Ask) -> None:
    page = ask("/")
    assert page.headers["server"] == "nashira/0.1.0 (IVOA-publish)"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "content-security-policy" not in ask("/tap/capabilities").headers


def test_request_ids(ask: Ask) -> None:
    one, other = ask("/health"), ask("/health")
    assert one.headers["x-request-id"] != other.headers["x-request-id"]
    assert ask("/health", headers={"x-request-id": "mine_1"}).headers["x-request-id"] == "mine_1"
    for bad in ("a b", "x" * 65, "<x>"):
        assert ask("/health", headers={"x-request-id": bad}).headers["x-request-id"] != bad


def test_html_answer_of_the_query_box(ask: Ask) -> None:
    data = {"LANG": "ADQL", "QUERY": "SELECT TOP 2 * FROM demo.stars", "RESPONSEFORMAT": "html", "MAXREC": "1000"}
    answer = ask("/tap/sync", "POST", data=data)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "content-disposition" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page: Any = html.fromstring(answer.content)
    assert len(page.xpath("//table//tr")) >= 2


def test_the_query_box_takes_a_query_along(ask: Ask) -> None:
    """Examples fill the box by links, without scripts."""
    query = "SELECT '</textarea><script>' AS x\nFROM demo.stars"
    for path in ("/", "/tap", "/tables/demo.stars"):
        page: Any = html.fromstring(ask(path, params={"query": query}).text)
        assert page.xpath("string(//textarea)") == query
        assert not page.xpath("//script[text()] | //textarea//script")
        plain: Any = html.fromstring(ask(path).text)
        links = plain.xpath("//ul[@class='chips']//a/@href")
        assert links
        for link in links:
            filled: Any = html.fromstring(ask(path + link).text)
            assert re.match(r"SELECT [^<]*\nFROM (demo.stars|TAP_SCHEMA)", filled.xpath("string(//textarea)"))


def test_the_query_box_checks_what_is_written(ask: Ask) -> None:
    """The page says where to ask and what to run, its policy allows both and nothing from elsewhere."""
    answer = ask("/")
    page: Any = html.fromstring(answer.text)
    (box,) = page.xpath("//textarea")
    assert page.xpath(f"//*[@id='{box.get('aria-describedby')}']/@aria-live") == ["polite"]
    policy = answer.headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    script = ask(page.xpath("//script/@src")[0])
    assert script.headers["content-type"].startswith("text/javascript")
    assert "innerHTML" not in script.text  # texts stay texts
    assert not re.findall(r"https?://", script.text)
    assert box.get("data-check") == "/sky/tap/check"


def test_a_failed_query_becomes_a_page_for_those_who_asked_for_one(ask: Ask) -> None:
    query = "SELECT id,\n  <b>, raa FROM demo.stars"
    answer = ask("/tap/sync", "POST", data={"QUERY": query, "RESPONSEFORMAT": "html"})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    page: Any = html.fromstring(answer.text)
    assert page.xpath("string(//textarea)") == query
    assert not page.xpath("//b")
    misspelt = ask("/tap/sync", params={"QUERY": "SELECT raa FROM demo.stars", "RESPONSEFORMAT": "text/html"})
    page = html.fromstring(misspelt.text)
    assert page.xpath("string(//mark)") == "raa"
    assert "Did you mean ra" in page.xpath("string(//*[@role='alert'])")
    for other in ("votable", "csv", "nonsense"):
        plain = ask("/tap/sync", params={"QUERY": "SELECT raa FROM demo.stars", "RESPONSEFORMAT": other})
        assert (plain.status_code, plain.headers["content-type"]) == (400, "application/x-votable+xml")


def test_a_result_page_leads_back_to_its_query(ask: Ask) -> None:
    query = "SELECT TOP 1 id FROM demo.stars WHERE ra < 20 AND dec > 0"
    page: Any = html.fromstring(ask("/tap/sync", params={"QUERY": query, "RESPONSEFORMAT": "html"}).content)
    (link,) = page.xpath("//a/@href")
    assert link.startswith("https://vo.example.org/sky/?query=")
    back: Any = html.fromstring(ask(link.removeprefix("https://vo.example.org/sky")).text)
    assert back.xpath("string(//textarea)") == query


@pytest.mark.parametrize("path", ["/tap/capabilities", "/tap/sync?QUERY=SELECT", "/tap/none", "/capabilities", "/tap"])
def test_pages_of_any_origin_may_use_the_services(ask: Ask, path: str) -> None:
    """Fetch standard, section 3.2: without credentials, also when the answer is an error."""
    answer = ask(path, headers={"origin": "https://notebooks.example.com"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Location" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


def test_preflight_requests_are_answered(ask: Ask) -> None:
    headers = {"origin": "https://a.example.com", "access-control-request-method": "DELETE"}
    answer = ask("/sky//tap/async/abc", "OPTIONS", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert ask("/tap/sync", "OPTIONS").status_code == 405


@pytest.mark.parametrize("path", ["/", "/health", "/tables/demo.stars", "/tapestry"])
def test_other_resources_stay_with_their_origin(ask: Ask, path: str) -> None:
    assert "access-control-allow-origin" not in ask(path).headers


def test_new_tables_appear_without_a_restart(folder: SiteFolder, tmp_path: Path, until: Any) -> None:
    root = tmp_path
    (root / "nashira.toml").write_text("")
    made = open_site(root)
    app = create_app(replace(made))

    async def get(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.get(path)

    assert asyncio.run(get("/tables/late.t")).status_code == 404
    pq.write_table(pa.table({"x": [1, 2, 3]}), root / "late.parquet")
    publish(made, [root / "late.parquet"], table="late.t", schema=None, report=LogReport())
    until(lambda: asyncio.run(get("/tables/late.t")).status_code == 200)
    for path in ("/tables/late.t", "/tap/tables/late.t", "/tap/sync?QUERY=SELECT+x+FROM+late.t"):
        assert asyncio.run(get(path)).status_code == 200, path
