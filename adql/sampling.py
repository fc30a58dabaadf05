"""TABLESAMPLE for DuckDB: rows or blocks of them, chosen by chance, or by a hash of their place where a seed is given.

The engine's own samples differ from run to run with several threads even where they have a seed; a hash does not. Files
are told apart by their names without folders, so that the same table gives the same sample on all hosts.
"""

from __future__ import annotations

from sqlglot import exp

from . import nodes as n
from .resolved import Sample

_BLOCK = 2048  # rows
_PLACE = "_ns_place"
_WHOLE = 2**64


def of_files(read: n.Node, sample: Sample) -> n.Node:
    """A sample of the rows that `read` gives of Parquet files."""
    place: n.Node = exp.Column(this=n.identifier("file_row_number"))
    file = n.call("parse_filename", exp.Column(this=n.identifier("filename")))
    return _selected(exp.Table(this=read), _chosen(sample, place, file))


def of_relation(table: n.Node, sample: Sample) -> n.Node:
    """A sample of a table inside the engine, in the order in which it has its rows."""
    if sample.seed is None and sample.method == "BERNOULLI":
        return _selected(table, _chosen(sample, n.integer(0)))
    number = exp.Alias(this=exp.Window(this=n.call("row_number")), alias=n.identifier(_PLACE))
    numbered = exp.Subquery(
        this=exp.Select(expressions=[exp.Star(), number], from_=exp.From(this=table)),
        alias=exp.TableAlias(this=n.identifier("s")),
    )
    return _selected(numbered, _chosen(sample, exp.Column(this=n.identifier(_PLACE))))


def _selected(table: n.Node, condition: n.Node) -> n.Node:
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=table), where=exp.Where(this=condition))


def _chosen(sample: Sample, place: n.Node, *file: n.Node) -> n.Node:
    """The condition that a row is in the sample."""
    if sample.percent >= 100.0:
        return n.truth(True)
    if sample.method == "SYSTEM":
        place = n.call("floor", n.div(place, n.real(float(_BLOCK))))
    if sample.seed is not None:
        hashed = n.call("hash", place, *file, n.integer(sample.seed))
        return n.compare("<", hashed, n.integer(int(sample.percent / 100.0 * _WHOLE)))
    if sample.method == "BERNOULLI":
        return n.compare("<", n.call("random"), n.real(sample.percent / 100.0))
    # one throw of the dice for the whole query decides which blocks are taken
    dice = exp.Subquery(this=exp.Select(expressions=[n.call("random")]))
    hashed = n.call("hash", place, *file, dice)
    return n.compare("<", hashed, n.integer(int(sample.percent / 100.0 * _WHOLE)))
