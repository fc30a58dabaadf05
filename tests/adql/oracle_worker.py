"""A throw-away process that asks queryparser-python3 about queries: a JSON text a line in, a JSON object a line out.

It is given our corpus only, never a user's text, and ends when its input does. Not a second of it is spent in the
process of the tests: the package is slow to load, and a query may keep it busy for ever.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from queryparser.adql import ADQLQueryTranslator
from queryparser.postgresql import PostgreSQLQueryProcessor

SECONDS = 8  # for one query; its first ones are slow


def ask(query: str) -> dict[str, Any]:
    """Judge one query: whether it is accepted, and the names found in it."""
    try:
        signal.alarm(SECONDS)
        processor = PostgreSQLQueryProcessor()
        processor.set_query(ADQLQueryTranslator(query).to_postgresql())
        processor.process_query()
    except Exception as error:  # noqa: BLE001  whatever it raises means no
        return {"accepted": False, "error": f"{type(error).__name__}: {error}"[:200]}
    finally:
        signal.alarm(0)
    return {
        "accepted": True,
        "tables": sorted({".".join(part for part in table if part).lower() for table in processor.tables}),
        "columns": sorted({str(column[2]).lower() for column in processor.columns if column[2]}),
        "functions": sorted({name.lower() for name in processor.functions}),
    }


def _late(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    """Answer line by line."""
    signal.signal(signal.SIGALRM, _late)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(ask(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
