"""The clients of the soak: what honest, careless and hostile users do, and what they were answered."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

import httpx
import numpy as np

CONE = "SELECT id, ra, dec, mag FROM sky.stars WHERE 1=CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius}))"
MATCH = (
    "SELECT u.n, s.id FROM TAP_UPLOAD.u AS u JOIN sky.stars AS s ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 0.5 ORDER BY 1"
)
JOB = "SELECT FLOOR(mag) AS m, COUNT(*) AS n, AVG(dec) AS d FROM sky.stars WHERE id > {start} GROUP BY FLOOR(mag)"
WIDE = "SELECT a.id, b.id AS other, a.ra, b.dec, a.mag FROM sky.stars AS a, sky.stars AS b"
ENDLESS = (
    "SELECT COUNT(*) AS n FROM sky.stars AS a, sky.stars AS b, sky.stars AS c "
    "WHERE SIN(a.mag) * COS(b.mag) > TAN(c.mag) + 2"
)
BAD: tuple[Mapping[str, str], ...] = (
    {"QUERY": "SELECT FROM WHERE"},
    {"QUERY": "SELECT nothing FROM sky.stars"},
    {"QUERY": "SELECT id FROM sky.stars", "RESPONSEFORMAT": "punch cards"},
    {"QUERY": "SELECT id FROM sky.stars", "MAXREC": "-1"},
    {"QUERY": "DROP TABLE sky.stars"},
    {"QUERY": "SELECT id FROM sky.stars WHERE id = '" + "x" * 10_000 + "'"},
    {"QUERY": "SELECT id FROM TAP_UPLOAD.u", "UPLOAD": "u,param:absent"},
    {"QUERY": "SELECT id FROM TAP_UPLOAD.u", "UPLOAD": "u,http://127.0.0.1/"},
    {"QUERY": "SELECT " + "(" * 500 + "1"},
    {},
)
PAGES = ("/", "/tap/tables", "/tap/capabilities", "/tap/examples", "/tap/async", "/health", "/metrics", "/nowhere")


class Told:
    """What all clients were answered: statuses and seconds by what they did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.statuses: dict[str, Counter[str]] = defaultdict(Counter)
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def note(self, action: str, status: str, seconds: float) -> None:
        """Count an answer."""
        with self._lock:
            self.statuses[action][status] += 1
            self.seconds[action].append(seconds)


class Client(threading.Thread):
    """One client, that does one thing after the other until it is told to stop."""

    def __init__(self, url: str, number: int, told: Told, stop: threading.Event) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self._url = url
        self._address = f"127.0.0.{2 + number % 8}"
        self._random = random.Random(number)
        self._told = told
        self._stop_asked = stop
        transport = httpx.HTTPTransport(local_address=self._address)
        self._http = httpx.Client(transport=transport, timeout=90)
        self._actions: tuple[tuple[Callable[[], None], int], ...] = (
            (self._cone, 40),
            (self._job, 12),
            (self._upload, 8),
            (self._bad, 10),
            (self._page, 6),
            (self._leave, 6),
            (self._abort, 4),
            (self._dawdle, 2),
        )

    def run(self) -> None:
        """Act."""
        actions, weights = zip(*self._actions, strict=True)
        while not self._stop_asked.is_set():
            action = self._random.choices(actions, weights)[0]
            try:
                action()
            except httpx.TransportError as error:
                self._told.note(action.__name__.strip("_"), type(error).__name__, 0)
        self._http.close()

    def _send(self, action: str, method: str, url: str, **more: object) -> httpx.Response:
        begin = time.perf_counter()
        answer = self._http.request(method, url if "://" in url else self._url + url, **more)  # type: ignore[arg-type]
        self._told.note(action, str(answer.status_code), time.perf_counter() - begin)
        return answer

    def _cone(self) -> None:
        place = {"ra": self._random.uniform(0, 360), "dec": self._random.uniform(-80, 80)}
        query = CONE.format(**place, radius=self._random.choice((0.1, 1, 5)))
        kind = self._random.choice(("votable", "csv", "parquet", "fits"))
        self._send("cone", "GET", "/tap/sync", params={"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": kind})

    def _job(self) -> None:
        query = JOB.format(start=self._random.randrange(8000))
        form = {"LANG": "ADQL", "QUERY": query, "PHASE": "RUN", "RESPONSEFORMAT": "csv"}
        made = self._send("job", "POST", "/tap/async", data=form)
        if made.status_code != 303:
            return
        job = made.headers["location"]
        while "EXECUTING" in (text := self._http.get(job, params={"WAIT": "20"}).text) or "QUEUED" in text:
            continue
        begin = time.perf_counter()
        phase = self._http.get(f"{job}/phase").text
        self._told.note("job ends", phase, time.perf_counter() - begin)
        if phase == "COMPLETED":
            self._send("job result", "GET", f"{job}/results/result")
        self._send("job deleted", "DELETE", job)

    def _upload(self) -> None:
        rng = np.random.default_rng(self._random.randrange(1000))
        rows = zip(rng.uniform(0, 360, 2000), rng.uniform(-80, 80, 2000), strict=True)
        body = "n,ra,dec\n" + "\n".join(f"{n},{ra:.6f},{dec:.6f}" for n, (ra, dec) in enumerate(rows))
        form = {"LANG": "ADQL", "QUERY": MATCH, "UPLOAD": "u,param:up"}
        self._send("upload", "POST", "/tap/sync", data=form, files={"up": ("u.csv", body, "text/csv")})

    def _bad(self) -> None:
        form = {"LANG": "ADQL", **self._random.choice(BAD)}
        self._send("bad input", "POST", "/tap/sync", data=form)
        if self._random.random() < 0.2:
            files = {"up": ("u.xml", b"<VOTABLE><RESOURCE>", "text/xml")}
            form = {"LANG": "ADQL", "QUERY": "SELECT * FROM TAP_UPLOAD.u", "UPLOAD": "u,param:up"}
            self._send("bad input", "POST", "/tap/sync", data=form, files=files)

    def _page(self) -> None:
        self._send("page", "GET", self._random.choice(PAGES))

    def _open(self, query: str, kind: str) -> socket.socket:
        parts = urlsplit(self._url)
        place = (parts.hostname or "", parts.port or 80)
        connection = socket.create_connection(place, timeout=60, source_address=(self._address, 0))
        path = f"/tap/sync?LANG=ADQL&RESPONSEFORMAT={kind}&MAXREC=100000000&QUERY={quote(query)}"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        return connection

    def _leave(self) -> None:
        """Ask for what takes minutes, and hang up."""
        with self._open(self._random.choice((ENDLESS, WIDE)), "csv"):
            self._stop_asked.wait(self._random.uniform(0, 0.6))
        self._told.note("left", "-", 0)

    def _abort(self) -> None:
        """Start a job that takes minutes, then abort or delete it."""
        form = {"LANG": "ADQL", "QUERY": ENDLESS, "PHASE": "RUN"}
        made = self._send("job", "POST", "/tap/async", data=form)
        if made.status_code == 303:
            self._stop_asked.wait(self._random.uniform(0, 1))
            if self._random.random() < 0.5:
                self._send("job aborted", "POST", f"{made.headers['location']}/phase", data={"PHASE": "ABORT"})
            self._send("job deleted", "DELETE", made.headers["location"])

    def _dawdle(self) -> None:
        """Read a large result slowly, then hang up."""
        with self._open(WIDE, "votable") as connection:
            status = connection.recv(12)[9:12].decode()
            for _ in range(15):
                if self._stop_asked.wait(0.2) or not connection.recv(16_384):
                    break
        self._told.note("slow reader", status, 0)
