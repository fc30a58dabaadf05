"""The thread that calls at set times, and its end."""

import threading
import weakref

from nashira.engines.watchdog import Watchdog


def test_it_calls_in_time_and_keeps_nothing() -> None:
    class Caller:
        def __init__(self) -> None:
            self.called = threading.Event()

        def call(self) -> None:
            self.called.set()

    caller, watchdog = Caller(), Watchdog()
    called, gone = caller.called, weakref.ref(caller)
    watchdog.call_in(0.0, caller.call)
    assert called.wait(5)
    del caller
    watchdog.close()
    assert gone() is None


def test_after_its_end_nothing_is_called_and_no_thread_lives() -> None:
    others = set(threading.enumerate())
    watchdog, called = Watchdog(), threading.Event()
    watchdog.call_in(60.0, called.set)
    watchdog.close()
    watchdog.close()
    watchdog.call_in(0.0, called.set)
    assert not called.wait(0.05)
    assert set(threading.enumerate()) <= others
