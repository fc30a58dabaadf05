"""The page of results: well-formed, harmless, honest about what it leaves out."""

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lxml import html

from nashira.config.errors import EngineError
from nashira.formats import html_write
from nashira.formats.html_write import write_html
from nashira.formats.stream import ResultInfo, ResultStream
from nashira.schema.model import Column
from nashira.schema.types import LONG, STRING
from tests.formats.samples import failing


def page(column: Column, values: Sequence[object], **more: Any) -> Any:
    batches = [pa.record_batch([pa.array(values[i : i + 2])], ["c"]) for i in range(0, len(values), 2)]
    return html.fromstring(b"".join(write_html(ResultStream([column], iter(batches), **more))))


def test_rows_and_heads() -> None:
    tree = page(Column("V", LONG, "V band", unit="mag"), [1, None, 3])
    assert tree.xpath("//th/text()") == ["V "]
    assert tree.xpath("//th/@title") == ["V band"]
    assert [cell.text for cell in tree.xpath("//td")] == ["1", None, "3"]
    assert tree.xpath("//p/text()") == ["3 rows."]


def test_nothing_hostile_becomes_markup() -> None:
    evil = '<script>alert("x")</script>'
    tree = page(Column(evil, STRING, f'"{evil}', unit=evil), [evil], info=ResultInfo(((evil, evil),), evil, evil))
    assert tree.xpath("//script") == []
    assert tree.xpath("//td/text()") == [evil]
    assert tree.xpath("//pre/text()") == [evil]


def test_overflow_is_visible() -> None:
    assert "cut after 2 rows" in page(Column("a", LONG), [1, 2, 3], maxrec=2).xpath("//p[@class='note']/text()")[0]


@pytest.mark.parametrize(("rows", "shown", "cut"), [(3, 3, False), (8, 8, False), (9, 8, True), (15, 8, True)])
def test_a_result_ends_and_says_so(monkeypatch: pytest.MonkeyPatch, rows: int, shown: int, cut: bool) -> None:
    monkeypatch.setattr(html_write, "PAGE_ROWS", 3)
    monkeypatch.setattr(html_write, "MOST_ROWS", 8)
    closed: list[int] = []
    tree = page(Column("a", LONG), list(range(rows)), on_close=lambda: closed.append(1))
    assert sum(map(len, pages(tree))) == shown
    assert bool(tree.xpath("//p[@class='note' and contains(., 'Only the first 8 rows')]")) is cut
    assert closed == [1]


def pages(tree: Any) -> list[list[str]]:
    """Give the cells of every page, as a browser would show them one after another."""
    hidden = [html.fromstring(f"<table>{rows}</table>") for rows in tree.xpath("//script[@class='rows']/text()")]
    return [[cell.text for cell in one.xpath(".//td")] for one in (tree, *hidden)]


@pytest.mark.parametrize(("rows", "sizes"), [(3, [3]), (4, [3, 1]), (6, [3, 3]), (11, [3, 3, 3, 2])])
def test_pages_hold_all_rows_in_order(monkeypatch: pytest.MonkeyPatch, rows: int, sizes: list[int]) -> None:
    """Batches of two rows, pages of three: the ends of both are independent."""
    monkeypatch.setattr(html_write, "PAGE_ROWS", 3)
    tree = page(Column("a", LONG), list(range(rows)))
    found = pages(tree)
    assert [len(one) for one in found] == sizes
    assert list(chain(*found)) == [str(n) for n in range(rows)]
    script = tree.xpath("//script[@data-rows]")
    assert bool(script) is bool(tree.xpath("//noscript")) is (len(sizes) > 1)
    if script:
        assert script[0].get("data-rows") == str(rows)
        assert script[0].text == html_write.SCRIPT


def test_hidden_pages_cannot_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the end of a script nor a comment in a value becomes markup, before or after it is shown."""
    monkeypatch.setattr(html_write, "PAGE_ROWS", 1)
    evil = ["x", "</script><img src=x onerror=alert(1)>", "<!--<script>", "&lt;b&gt;"]
    tree = page(Column("a", STRING), evil)
    assert pages(tree) == [[value] for value in evil]
    assert not tree.xpath("//img | //b")


def test_only_our_script_may_run() -> None:
    digest = base64.b64encode(hashlib.sha256(html_write.SCRIPT.encode()).digest()).decode()
    assert f"'sha256-{digest}'" == html_write.SCRIPT_SOURCE
    assert "<" not in html_write.SCRIPT
    assert "&" not in html_write.SCRIPT.replace("&&", "")


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_leafs_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(html_write, "PAGE_ROWS", 2)
    batches = iter([pa.record_batch([pa.array(range(5))], ["c"])])
    body = b"".join(write_html(ResultStream([Column("a", LONG)], batches))).decode()
    policy = f"default-src 'none'; script-src {html_write.SCRIPT_SOURCE} 'sha256-{{}}'; style-src 'unsafe-inline'"
    press = "document.querySelectorAll('nav button')[3].click()"  # the last page
    digest = base64.b64encode(hashlib.sha256(press.encode()).digest()).decode()
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy.format(digest)}">'
    path = tmp_path / "page.html"
    path.write_text(body.replace("<head>", f"<head>{head}").replace("</body>", f"<script>{press}</script></body>"))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    seen = subprocess.run([*command, "--dump-dom", path.as_uri()], capture_output=True, timeout=30, check=True).stdout
    tree = html.fromstring(seen)
    assert tree.xpath("//nav/output/text()") == ["Rows 5 to 5 of 5"]
    assert tree.xpath("//tbody//td/text()") == ["4"]
    assert tree.xpath("//nav/button/@disabled") == ["", ""]


def test_a_failure_breaks_the_transfer() -> None:
    with pytest.raises(EngineError):
        list(write_html(ResultStream([Column("a", LONG)], failing(EngineError("gone")))))


def test_numbers_stand_at_the_right() -> None:
    assert "tr>:nth-child(1){text-align:right}" in page(Column("a", LONG), [1]).xpath("string(//style)")
    assert "nth-child" not in page(Column("a", STRING), ["x"]).xpath("string(//style)")


@pytest.mark.parametrize(("chars", "link"), [(10, "https://x.org/?query=%26%22%26%22"), (9000, "https://x.org/")])
def test_the_way_back_takes_queries_of_reasonable_length_along(chars: int, link: str) -> None:
    info = ResultInfo(query='&"' * (chars // 2), home="https://x.org/")
    (found,) = page(Column("a", LONG), [1], info=info).xpath("//a/@href")
    assert found.startswith(link)
    assert (chars == 10) is ("query" in found)
