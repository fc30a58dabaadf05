"""Every engine gives the same rows for the same ADQL: those that stand in the cases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract import cases_functions, cases_numbers, cases_queries, cases_regions, cases_sky, cases_texts
from tests.contract.case import Case, agrees

MODULES = (cases_numbers, cases_functions, cases_texts, cases_queries, cases_sky, cases_regions)


@pytest.mark.parametrize("case", [case for module in MODULES for case in module.CASES], ids=str)
def test_the_rows_of_the_contract(service: Any, case: Case) -> None:
    got = service.rows(case.adql)
    assert agrees(got, case), f"{got} instead of {list(case.rows)}"


def test_no_case_stands_twice() -> None:
    texts = [case.adql for module in MODULES for case in module.CASES]
    assert sorted(texts) == sorted(set(texts))
