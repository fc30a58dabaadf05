"""The findings of validators that stay, each explained under its code in docs/conformance.md."""

EXPLAINED: frozenset[tuple[str, str]] = frozenset()
