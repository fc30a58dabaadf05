"""The page of results: well-formed, harmless, honest about what it leaves out."""

from collections.abc import Sequence
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


@pytest.mark.parametrize(("rows", "shown", "cut"), [(3, 3, False), (4, 4, False), (5, 4, True), (9, 4, True)])
def test_a_page_ends_and_says_so(monkeypatch: pytest.MonkeyPatch, rows: int, shown: int, cut: bool) -> None:
    monkeypatch.setattr(html_write, "PAGE_ROWS", 4)
    closed: list[int] = []
    tree = page(Column("a", LONG), list(range(rows)), on_close=lambda: closed.append(1))
    assert len(tree.xpath("//td")) == shown
    assert bool(tree.xpath("//p[@class='note']")) is cut
    assert closed == [1]


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
