"""The findings of validators that stay, each explained in docs/conformance.md."""

EXPLAINED: frozenset[tuple[str, str]] = frozenset({("CAP", "CULF"), ("LOC", "NOTP")})
