"""Places of sync queries: nobody takes all of them, who waits is let in fairly."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashira.config.errors import Overloaded
from nashira.tap.slots import Slots

ENDLESS = "SELECT COUNT(*) AS n FROM stars.main a, stars.main b, stars.main c, stars.main d WHERE a.id+b.id+c.id+d.id<0"


class Crowd:
    """Clients at a gate: who is in, who was sent away."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.order: list[str] = []
        self.refused: Counter[str] = Counter()

    async def query(self, client: str, seconds: float = 0.01) -> None:
        try:
            async with self.slots.taken(client):
                self.inside[client] += 1
                self.most[client] = max(self.most[client], self.inside[client])
                self.order.append(client)
                try:
                    await asyncio.sleep(seconds)
                finally:
                    self.inside[client] -= 1
        except Overloaded:
            self.refused[client] += 1


def play(slots: Slots, action: Callable[[Crowd], Awaitable[object]]) -> Crowd:
    async def run() -> Crowd:
        crowd = Crowd(slots)
        await action(crowd)
        return crowd

    return asyncio.run(run())


def test_one_client_takes_its_share_and_waits_or_is_sent_away() -> None:
    crowd = play(Slots(4, 2), lambda c: asyncio.gather(*(c.query("a") for _ in range(30))))
    assert crowd.most == {"a": 2}
    assert crowd.refused == {"a": 30 - 2 - 16}


def test_others_find_a_place_at_once() -> None:
    async def action(crowd: Crowd) -> None:
        greedy = [asyncio.create_task(crowd.query("greedy", 0.2)) for _ in range(18)]
        await asyncio.sleep(0.01)
        begin = time.monotonic()
        await crowd.query("modest", 0)
        assert time.monotonic() - begin < 0.1
        for task in greedy:
            task.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)
        await crowd.query("greedy", 0)

    assert play(Slots(4, 2), action).order[-1] == "greedy"


def test_who_holds_least_comes_first_then_who_came_first() -> None:
    async def action(crowd: Crowd) -> None:
        clients = ["a", "a", "b", "a", "a", "c"]
        await asyncio.gather(*(crowd.query(client) for client in clients))

    # two of a get in; one leaves: b holds nothing, a one; the other leaves: a came before c; b leaves: c holds nothing
    assert play(Slots(2, 2), action).order == ["a", "a", "b", "a", "c", "a"]


@given(
    clients=st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=40),
    slots=st.integers(1, 5),
    share=st.integers(1, 5),
)
def test_no_place_is_lost_and_none_is_given_twice(clients: list[tuple[str, bool]], slots: int, share: int) -> None:
    gate = Slots(slots, share)

    async def action(crowd: Crowd) -> None:
        tasks = []
        for client, leaves in clients:
            tasks.append(asyncio.create_task(crowd.query(client, 0)))
            if leaves:
                await asyncio.sleep(0)
                tasks[len(tasks) // 2].cancel()
            assert sum(crowd.inside.values()) <= slots
        await asyncio.gather(*tasks, return_exceptions=True)
        crowd.inside.clear()
        crowd.most.clear()
        await asyncio.gather(*(crowd.query(client, 0) for client in "abcdabcd" for _ in range(share)))
        assert all(most <= min(slots, share) for most in crowd.most.values())
        async with asyncio.timeout(1):
            for client in "abcd":
                await crowd.query(client, 0)

    play(gate, action)


def ask(url: str, address: str) -> socket.socket:
    """Send an endless query from a loopback address."""
    port = int(url.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port), source_address=(address, 0), timeout=10)
    body = f"LANG=ADQL&QUERY={ENDLESS}".replace("+", "%2B").replace(" ", "+").encode()
    head = "POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def test_one_address_cannot_take_all_places(serve_with: Any) -> None:
    with serve_with("engine", sync_slots=4) as service:
        greedy = [ask(service.url, "127.0.0.2") for _ in range(20)]
        greedy[0].settimeout(0.5)
        try:
            with pytest.raises(TimeoutError):  # of the first ones, that run or wait, none has an answer
                greedy[0].recv(100)
            refused = greedy[-1].recv(4000)
            assert refused.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 10" in refused.lower()
            begin = time.monotonic()
            answer = httpx.get(f"{service.tap}/sync", params={"QUERY": "SELECT TOP 1 id FROM stars.main"}, timeout=10)
            assert answer.status_code == 200
            assert time.monotonic() - begin < 3
        finally:
            for connection in greedy:
                connection.close()
