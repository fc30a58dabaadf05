"""One pass over a VOTable document: its metadata by expat, its data as raw bytes where their form allows.

The parser is fed piece by piece so that it stops right behind `<TABLEDATA>` and `<STREAM>`. What follows can then be
taken as bytes (`take_rows`, `take_stream`) without the parser ever seeing it; anything unusual (comments, CDATA) is fed
to the parser instead, which collects it cell by cell (`rows`, `texts`). Both ways give the same values.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from xml.parsers import expat

import numpy as np

from ..config.errors import UploadError, UploadTooLarge
from .source import ReadLimits
from .texts_read import quoted
from .votable_elements_read import Elements, TableHead

_DATA_TAG = re.compile(rb"</?(?:[A-Za-z_][\w.-]*:)?(?:TABLEDATA|STREAM)(?=[\s/>])[^<>]*>")
_MAX_TAG = 4096  # bytes of a tag that is looked for; longer ones go the slow way
_MAX_TOKEN = 1 << 24  # bytes of one tag, comment or the like
_MAX_DETOURS = 100  # texts that only look like the start or end of data
_MAX_DEPTH = 64
_TAKE_BYTES = 1 << 22


class VOTableDocument:
    """A VOTable being read from front to end: `next_table` moves on, `take_rows` and `take_stream` give its data.

    `blocks` is the document in UTF-8. All faults of the document raise UploadError.
    """

    def __init__(self, blocks: Iterator[bytes], limits: ReadLimits) -> None:
        self.inside = ""  # TABLEDATA or STREAM while their content is at hand
        self.rows: list[list[str]] = []  # cells that the parser collected, at most one more per row than FIELDs
        self.texts: list[str] = []  # pieces of a STREAM that the parser collected
        self.elements = Elements(limits)
        self._limits = limits
        self._blocks = blocks
        self._rest = b""
        self._ended = False
        self._raw = False  # the parser stands between rows, or right behind the start tag of a STREAM
        self._entered = self._left = False  # data began (and nothing followed), data ended, within this piece
        self._prefix = b""
        self._open: list[str] = []
        self._row: list[str] = []
        self._cell: list[str] | None = None
        self._ready: deque[TableHead] = deque()
        self._detours = self._fed = self._taken_lines = 0
        self._parser = self._make_parser()

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = _refuse_entity
        parser.SkippedEntityHandler = _refuse_entity
        parser.ExternalEntityRefHandler = _refuse_entity
        if hasattr(parser, "SetReparseDeferralEnabled"):  # a complete tag must be reported at once
            parser.SetReparseDeferralEnabled(False)
        return parser

    # --- moving on -------------------------------------------------------------------------------------------------

    def next_table(self) -> TableHead | None:
        """Go to the next TABLE, passing over what is left of this one, and stop before its rows; None at the end."""
        while not self._ready:
            if self.inside:
                self._pass_over()
            elif not self.step():
                return None
        return self._ready.popleft()

    def finish(self) -> None:
        """Read to the end, so that a truncated or broken document is noticed."""
        while self.next_table() is not None or self.inside:
            if self.inside:
                self._pass_over()

    def _pass_over(self) -> None:
        if not (self.take_rows() if self.inside == "TABLEDATA" else self.take_stream()):
            self.step()
        self.rows.clear()
        self.texts.clear()

    def step(self) -> bool:
        """Feed the parser up to the next start or end of data, or some more bytes; False once all is read."""
        if self._ended:
            return False
        found = _DATA_TAG.search(self._rest)
        end = found.end() if found else self._safe_end()
        while end == 0:
            if not self._more():
                end = len(self._rest)
                break
            found = _DATA_TAG.search(self._rest)
            end = found.end() if found else self._safe_end()
        piece, self._rest = self._rest[:end], self._rest[end:]
        self._entered = self._left = False
        self._ended = not piece
        self._parse(piece)
        self._raw = self._entered
        if found and not (self._entered or self._left):
            self._detours += 1
            if self._detours > _MAX_DETOURS:
                message = "the document hides too many tags of data in comments or texts"
                raise UploadError(message)
        return not self._ended

    def _safe_end(self) -> int:
        """Give how many bytes can be fed without cutting a tag that the block's end cuts."""
        size = len(self._rest)
        tail = self._rest.rfind(b"<", max(0, size - _MAX_TAG))
        return size if tail < 0 or b">" in self._rest[tail:] else tail

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        self._rest += block
        return bool(block)

    def _parse(self, piece: bytes) -> None:
        self._fed += len(piece)
        try:
            self._parser.Parse(piece, self._ended)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            line = error.lineno + self._taken_lines
            message = f"the document is no well-formed XML: {what} at line {line}, column {error.offset + 1}"
            raise UploadError(message) from error
        if self._fed - self._parser.CurrentByteIndex > _MAX_TOKEN + len(piece):
            message = f"the document has a tag or comment of more than {_MAX_TOKEN} bytes"
            raise UploadTooLarge(message)

    # --- data as bytes ---------------------------------------------------------------------------------------------

    def take_rows(self) -> bytes:
        """Give the bytes of the next complete rows of a TABLEDATA, without prefixes.

        Empty at the end and where the parser is needed: call `step` then and find cells in `rows`.
        """
        if not self._raw:
            return b""
        end_tag = b"</" + self._prefix + b"TABLEDATA"
        row_end = b"</" + self._prefix + b"TR>"
        wanted = max(_TAKE_BYTES, 2048 * self.elements.width)
        while (end := self._rest.find(end_tag)) < 0 and len(self._rest) < wanted and self._more():
            pass
        cut = end if end >= 0 else self._rest.rfind(row_end) + len(row_end)
        if _hides(self._rest) or (end < 0 and cut < len(row_end)):
            self._raw = False
            return b""
        taken = self._cut(cut)
        if self._prefix:
            taken = taken.replace(b"</" + self._prefix, b"</").replace(b"<" + self._prefix, b"<")
        return taken

    def give_back(self, taken: bytes) -> None:
        """Let the parser read rows that `take_rows` has just given."""
        depth = len(self._open)
        self._taken_lines -= _lines(taken)
        self._parse(taken)
        self._raw = len(self._open) == depth

    def take_stream(self) -> bytes:
        """Give the next base64 text of a STREAM; empty as `take_rows`, its pieces are then found in `texts`."""
        if not self._raw:
            return b""
        end = self._rest.find(b"<")
        while end < 0 or len(self._rest) < end + 2:
            if len(self._rest) >= _TAKE_BYTES or not self._more():
                break
            end = self._rest.find(b"<")
        piece = self._rest if end < 0 else self._rest[:end]
        if b"&" in piece or b"]]>" in piece or (end >= 0 and self._rest[end : end + 2] != b"</"):
            self._raw = False
            return b""
        return self._cut(len(piece))

    def _cut(self, end: int) -> bytes:
        taken, self._rest = self._rest[:end], self._rest[end:]
        self._taken_lines += _lines(taken)
        return taken

    # --- what the parser calls -------------------------------------------------------------------------------------

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._entered = False
        prefix, _, local = name.rpartition(":")
        self._open.append(local)
        if self.inside:
            self._start_inside(local, attributes)
            return
        if len(self._open) > _MAX_DEPTH:
            message = f"the document nests elements more than {_MAX_DEPTH} deep"
            raise UploadError(message)
        self.elements.start(self._open, attributes)
        if local in {"TABLEDATA", "STREAM"} and self.elements.data_begins:
            if self._left:  # the end tag of the table before must have been a piece's end
                message = "the document's markup between two tables is too long"
                raise UploadError(message)
            self.inside, self._entered = local, True
            self._prefix = f"{prefix}:".encode() if prefix else b""
            self._ready.append(self.elements.finish_head())

    def _start_inside(self, local: str, attributes: dict[str, str]) -> None:
        if self.inside == "STREAM":
            message = f"a STREAM contains the element {quoted(local)}"
            raise UploadError(message)
        if local == "TR":
            self._row = []
        elif local == "TD":
            self._cell = []
            if "encoding" in attributes:
                message = "TD elements with an encoding are not read"
                raise UploadError(message)

    def _end(self, _: str) -> None:
        self._entered = False
        local = self._open.pop()
        if local == "TD" and self._cell is not None:
            if len(self._row) <= self.elements.width:
                self._row.append("".join(self._cell))
            self._cell = None
        elif local == "TR" and self.inside:
            self.rows.append(self._row)
        elif local == self.inside:
            self.inside, self._left = "", True
        elif not self.inside:
            self.elements.end(local, self._open)
            if self.elements.empty_table:
                self._ready.append(self.elements.finish_head())

    def _text(self, text: str) -> None:
        self._entered = False
        if self._cell is not None:
            self._cell.append(text)
        elif self.inside == "STREAM":
            self.texts.append(text)
        elif not self.inside:
            self.elements.text(text)


def _hides(data: bytes) -> bool:
    """Tell whether comments, CDATA or instructions are there, which may hide anything (single bytes are found fast)."""
    return (b"!" in data and b"<!" in data) or (b"?" in data and b"<?" in data)


def _lines(data: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def _refuse_entity(*_: object) -> int:
    message = "the document declares or uses XML entities of its own, which are not read"
    raise UploadError(message)
