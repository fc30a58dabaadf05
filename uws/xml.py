"""The documents of UWS 1.1 (section 2.2.2, appendix B): job, job list, parameters, results.

The prefix `uws:` is written literally and there is no default namespace: clients compare qualified names.
Absent times and owners are `xsi:nil`, never empty elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from .model import Job
from .store import JobRef
from .times import iso

MEDIA_TYPE = "text/xml"
_NAMESPACES = (
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_.-]|^(?=[^A-Za-z_])")


def job_document(job: Job, url: str) -> bytes:
    """Write a job; `url` is that of the job itself."""
    return _document("job", _job(job, url), ' version="1.1"')


def list_document(refs: Iterable[JobRef], url: str) -> bytes:
    """Write the job list at `url`."""
    return _document("jobs", "".join(_ref(ref, url) for ref in refs), ' version="1.1"')


def parameters_document(job: Job, url: str) -> bytes:
    """Write the parameters of the job at `url`."""
    return _document("parameters", _parameters(job, url))


def results_document(job: Job, url: str) -> bytes:
    """Write the results of the job at `url`."""
    return _document("results", _results(job, url))


def _document(name: str, content: str, attributes: str = "") -> bytes:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<uws:{name} {_NAMESPACES}{attributes}>{content}</uws:{name}>\n'
    return text.encode()


def _job(job: Job, url: str) -> str:
    """Write the children in the order of the schema."""
    parts = (
        _element("jobId", job.id),
        "" if job.run_id is None else _element("runId", job.run_id),
        _nillable("ownerId", job.owner),
        _element("phase", job.phase),
        _nillable("quote", iso(job.quote)),
        _element("creationTime", iso(job.created)),
        _nillable("startTime", iso(job.started)),
        _nillable("endTime", iso(job.ended)),
        _element("executionDuration", str(job.execution_seconds)),
        _nillable("destruction", iso(job.destruction)),
        f"<uws:parameters>{_parameters(job, url)}</uws:parameters>",
        f"<uws:results>{_results(job, url)}</uws:results>",
        _error_summary(job),
        _job_info(job),
    )
    return "".join(parts)


def _ref(ref: JobRef, url: str) -> str:
    href = f"{url}/{quote(ref.id)}"
    return (
        f'<uws:jobref id={_quoted(ref.id)} xlink:type="simple" xlink:href={_quoted(href)}>'
        f"{_element('phase', ref.phase)}"
        f"{'' if ref.run_id is None else _element('runId', ref.run_id)}"
        f"{_nillable('ownerId', ref.owner)}"
        f"{_element('creationTime', iso(ref.created))}</uws:jobref>"
    )


def _parameters(job: Job, url: str) -> str:
    """Write each name once: different values of one name are joined with semicolons, uploads are referred to."""
    values: dict[str, list[str]] = {}
    for name, value in job.parameters:
        known = values.setdefault(name, [])
        if value not in known:
            known.append(value)
    texts = [_element("parameter", ";".join(value), f" id={_quoted(name)}") for name, value in values.items()]
    files = [
        _element(
            "parameter", f"{url}/parameters/{quote(upload.label)}", f' id={_quoted(upload.label)} byReference="true"'
        )
        for upload in job.uploads
        if upload.label not in values
    ]
    return "".join((*texts, *files))


def _results(job: Job, url: str) -> str:
    return "".join(
        f'<uws:result id={_quoted(result.name)} xlink:type="simple" '
        f"xlink:href={_quoted(f'{url}/results/{quote(result.name)}')} "
        f'mime-type={_quoted(result.media_type)} size="{result.size_bytes}"/>'
        for result in job.results
    )


def _error_summary(job: Job) -> str:
    if job.failure is None:
        return ""
    kind = "transient" if job.failure.transient else "fatal"
    message = _element("message", job.failure.message)
    return f'<uws:errorSummary type="{kind}" hasDetail="true">{message}</uws:errorSummary>'


def _job_info(job: Job) -> str:
    """Write progress as elements of no namespace, which the schema allows here."""
    items: Sequence[tuple[str, str]] = [
        (_NOT_A_NAME.sub("_", name), value) for name, value in job.progress.items() if name
    ]
    if not items:
        return ""
    return f"<uws:jobInfo>{''.join(f'<{name}>{_clean(value)}</{name}>' for name, value in items)}</uws:jobInfo>"


def _element(name: str, text: str, attributes: str = "") -> str:
    return f"<uws:{name}{attributes}>{_clean(text)}</uws:{name}>"


def _nillable(name: str, text: str | None) -> str:
    return _element(name, text) if text else f'<uws:{name} xsi:nil="true"/>'


def _clean(text: str) -> str:
    r"""Escape a text; characters that XML cannot hold become U+FFFD, and \r survives parsing."""
    return escape(_NOT_XML.sub("\ufffd", text), {"\r": "&#13;"})


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
