"""Statements that make functions of schema `nashira`, printed from their signatures and bodies."""

from __future__ import annotations

D = "double precision"


def plpgsql(signature: str, returns: str, declared: str, body: str, *, cost: int = 100) -> str:
    """Give the statement of an immutable function in PL/pgSQL; NULL in any argument gives NULL."""
    declare = f"DECLARE\n{declared.strip()}\n" if declared.strip() else ""
    return (
        f"CREATE OR REPLACE FUNCTION nashira.{signature} {_returns(returns)}LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL "
        f"SAFE COST {cost} AS $ns$\n{declare}BEGIN\n{body.strip()}\nEND $ns$"
    )


def inlined(signature: str, returns: str, expression: str) -> str:
    """Give the statement of an immutable function that the planner replaces by its expression."""
    return (
        f"CREATE OR REPLACE FUNCTION nashira.{signature} {_returns(returns)}LANGUAGE sql IMMUTABLE STRICT PARALLEL "
        f"SAFE AS $ns$ SELECT {expression} $ns$"
    )


def _returns(kind: str) -> str:
    return f"RETURNS {kind} " if kind else ""
