"""The bench of the wire writes a page and a plot: from figures of one run, between markers, without paths."""

from pathlib import Path

from lxml import etree

from bench.wire_data import ARRAYS, WIDE, arrays, nine, results, wide
from bench.wire_http import Sent, Slow
from bench.wire_plot import Bar, plot
from bench.wire_read import Read
from bench.wire_report import BEGIN, END, Report, machine, section, write
from bench.wire_rivals import Rival

DOCS = Path(__file__).parents[2] / "docs"


def report() -> Report:
    return Report(
        machine(),
        results(1_000_000),
        120.0,
        sent=[
            Sent("nine", "votable/b2", "", 1_000_000, 0.25, 0.02, 81_000_000, 0.3, 60.0),
            Sent("nine", "votable/b2", "zstd", 1_000_000, 0.5, 0.02, 47_000_000, 0.6, 80.0),
        ],
        writers=[Rival("votable/b2", 1_000_000, 0.2, 81_000_000)],
        rivals=[Rival("Arrow IPC alone", 1_000_000, 0.01, 59_000_000)],
        astropy=[Rival("votable/b2", 20_000, 1.0, 2_000_000)],
        postgres=[Sent("nine", "votable/b2", "", 1_000_000, 1.0, 0.02, 81_000_000, 0.3, 60.0)],
        postgres_copy=[Rival("PostgreSQL COPY (FORMAT binary)", 1_000_000, 0.8, 92_000_000)],
        slow=[Slow("votable/b2", 10_000_000, 4, 5e6, 90.0, 0.1)],
        reads=[Read("votable/b2", 1_000_000, 0.5, 0.5, 81_000_000, 190.0)],
    )


def test_figures_become_ratios() -> None:
    text = section(report())
    assert "| VOTable BINARY2 | 4.0 | 250 | 20 | 81 | 324 | 0.30 | 60 | 5.0 | 200 |" in text
    assert "| VOTable BINARY2, zstd | 2.0 |" in text
    assert "| VOTable BINARY2 | 1.0 | 1000 | 0.80 | 20 | 60 |" in text
    assert "5 MB/s of a result of 10 M rows" in text


def test_a_run_without_postgresql_or_rivals_is_a_report_too() -> None:
    few = report()
    few.postgres, few.rivals, few.slow, few.reads = [], [], [], []
    assert "PostgreSQL |" not in section(few)


def test_the_page_is_renewed_between_its_markers(tmp_path: Path) -> None:
    (tmp_path / "performance.md").write_text(f"before\n\n{BEGIN}\nstale figures\n{END}\n\nafter\n")
    write(report(), tmp_path)
    page = (tmp_path / "performance.md").read_text()
    assert page.startswith("before")
    assert page.endswith("after\n")
    assert "stale figures" not in page
    assert str(Path.home()) not in page
    etree.fromstring((tmp_path / "wire.svg").read_bytes())


def test_the_page_of_the_docs_has_the_markers() -> None:
    page = (DOCS / "performance.md").read_text()
    assert page.count(BEGIN) == page.count("make performance -->") == 1
    assert "/work/" not in page


def test_a_plot_says_what_it_shows() -> None:
    tree = etree.fromstring(plot("A & B", [Bar("one <1>", (2.0, 4.0, 0.5)), Bar("two", (0, 1.0, 0))]).encode())
    texts = [text for text in tree.itertext() if text.strip()]
    assert {"A & B: million rows a second (logarithmic)", "one <1>", "two", "4.0", "0.50"} <= set(texts)
    assert len(tree.findall("{http://www.w3.org/2000/svg}rect")) == 1 + 3 + 4


def test_tables_are_what_the_page_says() -> None:
    assert (wide(100).num_columns, len(WIDE)) == (100, 100)
    assert arrays(50).schema.names == [column.name for column in ARRAYS]
    assert nine(100).num_columns == 9
    assert 0 < nine(1000)["flags"].null_count < 300
