"""Elements around the data of a VOTable: TABLE, FIELD, VALUES, DESCRIPTION, INFO (VOTable 1.4 sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..config.errors import UploadError
from ..schema.types import STRINGS
from .source import ReadLimits, check_columns
from .texts_read import quoted
from .votable_fields_read import Field, make_field

_MAX_INFOS = 1000
_BINARY = frozenset({"BINARY", "BINARY2", "FITS"})


@dataclass(slots=True)
class TableHead:
    """What a TABLE says before its rows; `serialisation` is empty for a table without DATA, `extnum` is for FITS."""

    name: str = ""
    id: str = ""
    description: str = ""
    serialisation: str = ""
    extnum: int | None = None
    fields: tuple[Field, ...] = ()


@dataclass(slots=True)
class Elements:
    """Collects what the elements outside the data say, in document order; `data_begins` at the start tag of data."""

    limits: ReadLimits
    infos: list[tuple[str, str]] = field(default_factory=list)
    error: str = ""  # what the document itself reports: INFO QUERY_STATUS ERROR
    data_begins: bool = False
    empty_table: bool = False
    _head: TableHead | None = None
    _fields: list[Field] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _known: dict[str, TableHead] = field(default_factory=dict)
    _ref: str = ""
    _had_data: bool = False

    @property
    def width(self) -> int:
        """Number of columns of the table at hand."""
        return len(self._fields)

    def start(self, path: list[str], attributes: Mapping[str, str]) -> None:
        """Take note of a start tag; `path` are the open elements, this one last."""
        local, parent = path[-1], path[-2] if len(path) > 1 else ""
        self._texts.clear()
        if not parent and local != "VOTABLE":
            message = f"the document is no VOTable: its root element is {quoted(local)}"
            raise UploadError(message)
        if local == "TABLE":
            self._start_table(attributes)
        elif local == "INFO":
            self._start_info(attributes)
        elif self._head is None:
            return
        elif local == "FIELD" and parent == "TABLE":
            check_columns(len(self._fields) + 1, self.limits)
            self._fields.append(make_field(attributes, len(self._fields) + 1, self.limits))
        elif local == "VALUES" and parent == "FIELD" and "null" in attributes:
            self._fields[-1] = replace(self._fields[-1], null=attributes["null"])
        elif parent == "DATA" and local in _BINARY | {"TABLEDATA"}:
            self._start_data(self._head, local, attributes)
        elif local == "STREAM" and parent in _BINARY:
            self._start_stream(self._head, attributes)

    def _start_table(self, attributes: Mapping[str, str]) -> None:
        if self._head is not None:
            message = "a TABLE contains another TABLE"
            raise UploadError(message)
        self._head = TableHead(attributes.get("name", "").strip(), attributes.get("ID", "").strip())
        self._ref = attributes.get("ref", "")
        self._fields, self._had_data = [], False

    def _start_info(self, attributes: Mapping[str, str]) -> None:
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if len(self.infos) < _MAX_INFOS:
            self.infos.append((name, value))
        if (name, value.upper()) == ("QUERY_STATUS", "ERROR"):
            self.error = "it reports an error"

    def _start_data(self, head: TableHead, local: str, attributes: Mapping[str, str]) -> None:
        if self._had_data:
            message = "a TABLE has more than one DATA"
            raise UploadError(message)
        head.serialisation, self.data_begins = local, local == "TABLEDATA"
        extnum = attributes.get("extnum", "")
        head.extnum = int(extnum[:6]) if extnum.isascii() and extnum.isdigit() else None

    def _start_stream(self, head: TableHead, attributes: Mapping[str, str]) -> None:
        if attributes.get("href"):
            message = "the data of the table are elsewhere (STREAM href); only data within the document are read"
            raise UploadError(message)
        encoding = attributes.get("encoding", "none").strip().lower()
        if encoding != "base64":
            message = f"the STREAM has the encoding {quoted(encoding)}; only base64 is read"
            raise UploadError(message)
        if self._had_data:
            message = f"the {head.serialisation} element has more than one STREAM"
            raise UploadError(message)
        self.data_begins = True

    def text(self, text: str) -> None:
        """Take note of characters."""
        self._texts.append(text)

    def end(self, local: str, path: list[str]) -> None:
        """Take note of an end tag; `path` are the elements still open. `empty_table` tells of a TABLE without DATA."""
        text = " ".join("".join(self._texts).split())
        self._texts.clear()
        if local == "INFO" and self.error == "it reports an error" and text:
            self.error = f"it reports an error: {text[:500]}"
        if self._head is None:
            return
        parent = path[-1] if path else ""
        if local == "DESCRIPTION" and parent == "TABLE":
            self._head.description = text
        elif local == "DESCRIPTION" and parent == "FIELD":
            last = self._fields[-1]
            self._fields[-1] = replace(last, column=replace(last.column, description=text))
        elif local in _BINARY and not self._had_data:
            message = f"a {local} element has no STREAM"
            raise UploadError(message)
        elif local == "TABLE":
            self.empty_table = not self._had_data
            if self._had_data:
                self._head = None

    def finish_head(self) -> TableHead:
        """Give the head of the table whose data begin (or that has none)."""
        head = self._head
        if head is None:
            message = "there are data outside a TABLE"
            raise UploadError(message)
        if not self._fields and self._ref in self._known:
            self._fields = list(self._known[self._ref].fields)
        if head.serialisation == "TABLEDATA":
            self._fields = [_open_text(one) for one in self._fields]
        head.fields = tuple(self._fields)
        if head.id:
            self._known[head.id] = head
        if self.empty_table:
            self._head = None
        self.data_begins, self.empty_table, self._had_data = False, False, True
        return head


def _open_text(one: Field) -> Field:
    """Take a char without arraysize as text of any length: as TABLEDATA it often is."""
    kind = one.column.type
    if kind.datatype in STRINGS and kind.arraysize is None:
        return replace(one, column=replace(one.column, type=replace(kind, arraysize="*")), variable=True)
    return one
