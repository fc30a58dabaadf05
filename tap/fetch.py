"""Fetch an upload by URL without opening a door into the operator's network.

The host name is resolved once, the addresses are checked, and the connection goes to a checked address (the
name stays in the Host header and in TLS), so a name that changes its mind between check and use gains nothing.
Redirects are followed by hand, each one checked anew. Sizes and times are limited as bytes arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from socket import SOCK_STREAM, gaierror

import httpx

from ..config.errors import Cancelled, UploadError, UploadTooLarge
from ..config.settings import Limits

REDIRECTS = 5
CONNECT_SECONDS = 10.0
_SCHEMES = ("http", "https")
_ADDRESSES_TRIED = 3
# IPv6 ranges that carry an IPv4 address: 6to4, NAT64; they could lead anywhere that address leads
_CARRIERS = (ip_network("2002::/16"), ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("2001::/32"))

Address = IPv4Address | IPv6Address
OnCancel = Callable[[Callable[[], None]], None]


def fetch(uri: str, target: Path, limits: Limits, on_cancel: OnCancel) -> str:
    """Write what is at the http(s) URL `uri` to the file `target`, exactly as sent (it may be gzip).

    Gives its media type. Blocks; must not run on a thread with an event loop. `on_cancel` is told what stops it.
    UploadError says what failed, UploadTooLarge that it is beyond `limits.upload_bytes`, Cancelled that somebody
    stopped it.
    """
    return asyncio.run(_fetch_within(uri, target, limits, on_cancel))


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public network (not private, loopback, link-local, multicast…)."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    address = inner or address
    carried = any(address in network for network in _CARRIERS if network.version == address.version)
    return address.is_global and not address.is_multicast and not address.is_reserved and not carried


async def _fetch_within(uri: str, target: Path, limits: Limits, on_cancel: OnCancel) -> str:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(_fetch(uri, target, limits))
    on_cancel(lambda: _stop(loop, task))
    try:
        return await asyncio.wait_for(task, limits.upload_seconds)
    except TimeoutError:
        message = f"{uri} took longer than the {limits.upload_seconds:g} seconds allowed"
        raise UploadError(message) from None
    except asyncio.CancelledError:
        message = "The request was cancelled"
        raise Cancelled(message) from None


def _stop(loop: asyncio.AbstractEventLoop, task: asyncio.Task[str]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


async def _fetch(uri: str, target: Path, limits: Limits) -> str:
    url = uri
    async with httpx.AsyncClient(trust_env=False, timeout=CONNECT_SECONDS) as client:
        for _ in range(REDIRECTS + 1):
            location, media_type = await _visit(client, _url(url, uri), uri, target, limits)
            if not location:
                return media_type
            url = location
    message = f"{uri} redirects more than {REDIRECTS} times"
    raise UploadError(message)


async def _visit(client: httpx.AsyncClient, url: httpx.URL, uri: str, target: Path, limits: Limits) -> tuple[str, str]:
    """Fetch one URL; give the address it redirects to, empty where the file is written, and the media type."""
    response = await _connect(client, url, uri, limits)
    try:
        if response.is_redirect:
            return str(url.join(response.headers.get("location", ""))), ""
        if response.status_code != httpx.codes.OK:
            message = f"{uri} answered with status {response.status_code}"
            raise UploadError(message)
        await _store(response, uri, target, limits.upload_bytes)
    except (httpx.HTTPError, httpx.InvalidURL):
        message = f"{uri} could not be read to its end"
        raise UploadError(message) from None
    finally:
        await response.aclose()
    return "", str(response.headers.get("content-type", ""))


async def _connect(client: httpx.AsyncClient, url: httpx.URL, uri: str, limits: Limits) -> httpx.Response:
    """Send the request to the first checked address that answers; the response is not read yet."""
    for address in (await _addresses(url, uri, limits))[:_ADDRESSES_TRIED]:
        request = client.build_request(
            "GET",
            url.copy_with(host=str(address)),
            headers={"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity", "User-Agent": "nashira"},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        try:
            return await client.send(request, stream=True)
        except httpx.HTTPError:
            continue
    message = f"{uri} cannot be reached"
    raise UploadError(message)


async def _addresses(url: httpx.URL, uri: str, limits: Limits) -> list[Address]:
    """Resolve the host of `url`; only addresses that may be visited, UploadError where there is none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80), type=SOCK_STREAM
        )
    except (gaierror, UnicodeError):
        message = f"The host of {uri} is unknown"
        raise UploadError(message) from None
    addresses = list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
    allowed = [address for address in addresses if limits.upload_private_hosts or is_public(address)]
    if not allowed:
        message = f"{uri} is not on the public network; uploads are not fetched from there"
        raise UploadError(message)
    return allowed


def _url(text: str, uri: str) -> httpx.URL:
    """Read a URL that may be visited; UploadError otherwise."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        url = None
    if url is None or url.scheme not in _SCHEMES or not url.host:
        message = f"{uri} does not lead to an http or https address"
        raise UploadError(message)
    return url


async def _store(response: httpx.Response, uri: str, target: Path, most: int) -> None:
    announced = response.headers.get("content-length", "")
    size = int(announced) if announced.isascii() and announced.isdigit() else 0
    with target.open("wb") as file:
        if size <= most:
            size = 0
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > most:
                    break
                file.write(chunk)
    if size > most:
        message = f"{uri} is longer than the limit of {most} bytes"
        raise UploadTooLarge(message)
