"""DALI 1.1 sections 2 and 4: parameters in query strings and bodies, uploads by multipart."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from nashira.config.errors import Cancelled, ParameterError, UploadTooLarge
from nashira.dali.parameters import Form, read_form

URLENCODED = "application/x-www-form-urlencoded"


def request(
    chunks: Iterable[bytes], content_type: str | None = URLENCODED, query: bytes = b"", length: str | None = None
) -> Request:
    """A POST whose body comes in these chunks."""
    pieces = list(chunks)

    async def receive() -> Message:
        body = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": body, "more_body": bool(pieces)}

    headers = []
    if content_type is not None:
        headers.append((b"content-type", content_type.encode()))
    if length is not None:
        headers.append((b"content-length", length.encode()))
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": query, "headers": headers}
    return Request(scope, receive)


def read(folder: Path, *args: object, max_bytes: int = 10_000_000, **kwargs: object) -> Form:
    return asyncio.run(read_form(request(*args, **kwargs), folder, max_bytes))  # type: ignore[arg-type]


def multipart(*parts: tuple[str, bytes], boundary: str = "xyz", end: str = "--") -> bytes:
    """A body of (headers without their name, content)."""
    text = b"".join(
        b"--" + boundary.encode() + b"\r\n" + headers.encode() + b"\r\n\r\n" + content + b"\r\n"
        for headers, content in parts
    )
    return text + b"--" + boundary.encode() + end.encode() + b"\r\n"


def named(name: str, extra: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{extra}'


def test_query_string_and_body_both_count_and_names_ignore_case(tmp_path: Path) -> None:
    form = read(tmp_path, [b"lang=ADQL&Query=SELECT+%C3%A9%3D1"], query=b"phase=RUN&X=")
    assert form.values == (("PHASE", "RUN"), ("X", ""), ("LANG", "ADQL"), ("QUERY", "SELECT é=1"))
    assert form.one("query") == "SELECT é=1"
    assert form.one("ABSENT") is None
    assert form.all("Lang") == ("ADQL",)


def test_repeats_of_one_value_are_tolerated_and_different_ones_refused(tmp_path: Path) -> None:
    form = read(tmp_path, [b"FORMAT=votable&format=votable&MAXREC=1&maxrec=2"])
    assert form.one("FORMAT") == "votable"
    assert form.all("FORMAT") == ("votable", "votable")
    with pytest.raises(ParameterError, match="MAXREC"):
        form.one("MAXREC")


def test_get_reads_no_body(tmp_path: Path) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"a=1", "headers": []}
    form = asyncio.run(read_form(Request(scope), tmp_path, 10))
    assert form.values == (("A", "1"),)


def test_a_post_without_body_and_type_is_an_empty_form(tmp_path: Path) -> None:
    assert read(tmp_path, [b""], None) == Form()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=%FF", URLENCODED),
        (b"a=\xff", URLENCODED),
        (b"a=%00", URLENCODED),
        (b"&".join([b"a=1"] * 1001), URLENCODED),
        (b"<VOTABLE/>", "application/x-votable+xml"),
        (b"rubbish", "multipart/form-data; boundary=xyz"),
        (b"", "multipart/form-data; boundary=xyz"),
        (multipart((named("a"), b"1")), "multipart/form-data"),
        (multipart((named("a"), b"1")), "multipart/form-data; boundary=" + "x" * 300),
        (multipart((named("a"), b"1"), end=""), "multipart/form-data; boundary=xyz"),
        (multipart((named("a"), b"1"))[:-12], "multipart/form-data; boundary=xyz"),
        (multipart(("Content-Disposition: form-data", b"1")), "multipart/form-data; boundary=xyz"),
        (multipart((named("a"), b"\xff")), "multipart/form-data; boundary=xyz"),
        (multipart(*[(named("a"), b"1")] * 1001), "multipart/form-data; boundary=xyz"),
        (multipart((named("a") + "\r\nX: " + "y" * 10_000, b"1")), "multipart/form-data; boundary=xyz"),
    ],
)
def test_unreadable_bodies_are_refused_without_leftovers(tmp_path: Path, body: bytes, content_type: str) -> None:
    big = multipart((named("file", '; filename="f"'), b"z" * 100_000))[:-9]
    for chunks in ([body], [big, body] if content_type.endswith("xyz") else [body]):
        with pytest.raises(ParameterError):
            read(tmp_path, chunks, content_type)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("length", [None, "200000", "99999999999999999999"])
def test_a_body_beyond_the_limit_stops_while_reading(tmp_path: Path, length: str | None) -> None:
    seen = []

    def chunks() -> Iterable[bytes]:
        yield multipart((named("f", '; filename="f"'), b"z" * 80_000))[:-9]
        for i in range(100):
            seen.append(i)
            yield b"z" * 1000

    with pytest.raises(UploadTooLarge, match="100000"):
        read(tmp_path, chunks(), "multipart/form-data; boundary=xyz", max_bytes=100_000, length=length)
    assert not list(tmp_path.iterdir())


def test_a_client_that_goes_away_leaves_nothing_behind(tmp_path: Path) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": multipart((named("f"), b"z" * 90_000))[:-20], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    headers = [(b"content-type", b"multipart/form-data; boundary=xyz")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    with pytest.raises(Cancelled):
        asyncio.run(read_form(Request(scope, receive), tmp_path, 10**6))
    assert not list(tmp_path.iterdir())


# name of the client, headers of the part, the UPLOAD value (each from what the client really sends)
UPLOADS = {
    "pyvo": (named("t1", '; filename="t1.xml"'), "t1,param:t1"),
    "pyvo typed": (
        named("t1", '; filename="t1.xml"') + "\r\nContent-Type: application/octet-stream",
        "t1,param:t1;t2,http://example.org/a;b=1,2",
    ),
    "astroquery": (named("t1", '; filename="t1.xml"') + "\r\nContent-Type: None", "t1,param:t1"),
    "topcat": (named("upload_t1") + "\r\nContent-Type: application/x-votable+xml", "t1,param:upload_t1"),
    "bare": (named("up"), "t1,param:up"),
    "unreferenced": (named("other", '; filename="x"'), "t1,http://example.org/"),
}


@pytest.mark.parametrize("client", UPLOADS)
@pytest.mark.parametrize("size", [0, 300, 200_000])
@pytest.mark.parametrize("upload_first", [True, False])
@pytest.mark.parametrize("chunk", [7, 65_536])
def test_parts_become_files_however_they_are_labelled(
    tmp_path: Path, client: str, size: int, upload_first: bool, chunk: int
) -> None:
    if chunk == 7 and size > 300:
        size = 3000
    headers, upload = UPLOADS[client]
    content = bytes(range(256)) * (size // 256) + b"\r\n--<x"
    parts = [(named("UPLOAD"), upload.encode()), (headers, content)]
    body = multipart((named("lang"), b"ADQL"), *(parts if upload_first else parts[::-1]), boundary="<------multipart->")
    chunks = [body[i : i + chunk] for i in range(0, len(body), chunk)]
    form = read(tmp_path, chunks, 'multipart/form-data; boundary="<------multipart->"')
    assert form.values == (("LANG", "ADQL"), ("UPLOAD", upload))
    (part,) = form.parts
    assert part.path.read_bytes() == content
    assert part.size_bytes == len(content)
    assert part.path.parent == tmp_path
    assert part.label in headers
    assert part.label not in part.path.name
    assert list(tmp_path.iterdir()) == [part.path]
    form.discard()
    assert not list(tmp_path.iterdir())


def test_an_upload_named_in_the_query_string_makes_a_file_too(tmp_path: Path) -> None:
    body = multipart((named("x"), b"content"))
    form = read(tmp_path, [body], "multipart/form-data; boundary=xyz", query=b"UPLOAD=t,param:x")
    assert [part.label for part in form.parts] == ["x"]


def test_a_long_query_stays_a_parameter_and_leaves_no_file(tmp_path: Path) -> None:
    query = "SELECT 'é' " * 90_000
    typed = named("query") + "\r\nContent-Type: text/plain; charset=UTF-8"
    form = read(tmp_path, [multipart((typed, query.encode()))], "multipart/form-data; boundary=xyz")
    assert form.one("QUERY") == query
    assert not list(tmp_path.iterdir())


def test_hostile_labels_never_reach_the_file_system(tmp_path: Path) -> None:
    body = multipart((named("../../evil", '; filename="../../../etc/passwd"'), b"x"))
    (part,) = read(tmp_path / ".", [body], "multipart/form-data; boundary=xyz").parts
    assert part.label == "../../evil"
    assert part.path.resolve().parent == tmp_path.resolve()


@given(
    st.lists(st.tuples(st.text("abcXYZ_", min_size=1), st.text(st.characters(exclude_characters="\0", codec="utf-8"))))
)
def test_both_encodings_carry_any_text(values: list[tuple[str, str]]) -> None:
    from urllib.parse import urlencode

    folder = Path("/nonexistent")
    expected = tuple((name.upper(), value) for name, value in values)
    assert read(folder, [urlencode(values).encode()]).values == expected
    body = multipart(*[(named(name), value.encode()) for name, value in values], boundary="q0w9e8r7")
    if values:
        assert read(folder, [body], "multipart/form-data; boundary=q0w9e8r7").values == expected


def test_a_body_that_stops_coming_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nashira.dali.parameters.STALL_SECONDS", 0.05)
    first = multipart((named("f", '; filename="x"'), b"a" * 100_000), end="")

    async def receive() -> Message:
        nonlocal first
        body, first = first, b""
        if not body:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": body, "more_body": True}

    headers = [(b"content-type", b"multipart/form-data; boundary=xyz")]
    scope = {"type": "http", "method": "POST", "headers": headers, "query_string": b""}
    with pytest.raises(ParameterError, match="stopped coming"):
        asyncio.run(read_form(Request(scope, receive), tmp_path, 10_000_000))
    assert not list(tmp_path.iterdir())
