"""The bounded queue between the thread that makes a result and the loop that sends it."""

import asyncio
import threading
import time

import pytest

from nashira.config.errors import Cancelled, EngineError, Overloaded
from nashira.tap.handover import AHEAD, Handover
from nashira.tap.slots import Slots


def test_items_arrive_in_order() -> None:
    async def run() -> list[int]:
        handover: Handover[int] = Handover(asyncio.get_running_loop())

        def produce() -> None:
            for n in range(50):
                handover.put(n)

        threading.Thread(target=produce).start()
        return [await handover.get() for _ in range(50)]

    assert asyncio.run(run()) == list(range(50))


def test_the_thread_waits_for_a_slow_reader() -> None:
    made: list[int] = []

    async def run() -> None:
        handover: Handover[int] = Handover(asyncio.get_running_loop())

        def produce() -> None:
            for n in range(10):
                made.append(n)
                handover.put(n)

        thread = threading.Thread(target=produce)
        thread.start()
        await asyncio.sleep(0.1)
        assert len(made) == AHEAD + 1
        assert [await handover.get() for _ in range(10)] == list(range(10))
        thread.join()

    asyncio.run(run())


def test_errors_are_raised_on_the_other_side() -> None:
    async def run() -> None:
        handover: Handover[int] = Handover(asyncio.get_running_loop())
        threading.Thread(target=lambda: handover.fail(EngineError("broken"))).start()
        with pytest.raises(EngineError, match="broken"):
            await handover.get()

    asyncio.run(run())


def test_stop_wakes_and_ends_a_waiting_thread() -> None:
    outcome: list[str] = []

    async def run() -> None:
        handover: Handover[int] = Handover(asyncio.get_running_loop())
        handover.on_stop(lambda: outcome.append("engine stopped"))

        def produce() -> None:
            try:
                while True:
                    handover.put(1)
            except Cancelled:
                outcome.append("ended")

        thread = threading.Thread(target=produce)
        thread.start()
        await asyncio.sleep(0.05)
        handover.stop()
        handover.stop()
        thread.join(2)
        assert not thread.is_alive()

    asyncio.run(run())
    assert outcome == ["engine stopped", "ended"]


def test_what_is_registered_after_the_stop_is_called_at_once() -> None:
    async def run() -> None:
        handover: Handover[int] = Handover(asyncio.get_running_loop())
        handover.stop()
        called: list[int] = []
        handover.on_stop(lambda: called.append(1))
        assert called == [1]
        with pytest.raises(Cancelled):
            handover.check()

    asyncio.run(run())


def test_a_thread_outlives_its_loop_quietly() -> None:
    loop = asyncio.new_event_loop()
    handover: Handover[int] = Handover(loop)
    loop.close()
    handover.put(1)
    handover.fail(EngineError("too late"))


def test_slots_let_so_many_run_and_so_many_wait() -> None:
    async def run() -> tuple[int, int, int]:
        slots = Slots(2, 2)
        running = most = refused = 0

        async def query() -> None:
            nonlocal running, most, refused
            try:
                async with slots.taken(""):
                    running += 1
                    most = max(most, running)
                    await asyncio.sleep(0.01)
                    running -= 1
            except Overloaded:
                refused += 1

        await asyncio.gather(*(query() for _ in range(30)))
        return running, most, refused

    started = time.monotonic()
    assert asyncio.run(run()) == (0, 2, 12)
    assert time.monotonic() - started < 2
