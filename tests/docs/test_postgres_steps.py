"""The steps of docs/postgresql.md lead from an empty database to a served table."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import psycopg
from astropy.table import Table

from tests.conformance.server import serving
from tests.postgres_server import PostgresServer

PAGE = Path(__file__).parents[2] / "docs" / "postgresql.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_RUN = "nashira serve"


def test_the_steps_lead_to_a_served_table(postgres: PostgresServer, tmp_path: Path) -> None:
    database = postgres.fresh()
    Table({"ra": np.arange(9.0), "dec": np.arange(9.0)}).write(tmp_path / "hip_main.fits")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA survey; CREATE TABLE survey.objects (ra float8, dec float8)")
        connection.execute("CREATE SCHEMA mine; CREATE TABLE mine.main (ra float8, dec float8)")
    text = "".join(BLOCK.findall(PAGE.read_text("utf-8")))
    for said, true in (
        ("postgresql://nashira_reader@/sky", database.read_url),
        ("postgresql://nashira_admin@/sky", database.url),
        ("public.main --table hip.main", "mine.main --table hip.other"),
    ):
        assert said in text
        text = text.replace(said, true)
    for line in text.splitlines():
        if line.startswith(NOT_RUN):
            continue
        words = shlex.split(line.partition(">")[0])
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    with serving(tmp_path / "mysite", tmp_path / "log") as url:
        query = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM hip.main", "RESPONSEFORMAT": "csv"}
        assert httpx.post(f"{url}/tap/sync", data=query).text.split() == ["n", "9"]
        query["QUERY"] = "SELECT COUNT(*) AS n FROM survey.objects"
        assert httpx.post(f"{url}/tap/sync", data=query).text.split() == ["n", "0"]
