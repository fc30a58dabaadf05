"""Arrows between rooms run downward only (the order is that of docs/design.md)."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
ORDER = (
    "config",
    "schema",
    "sphere",
    "adql",
    "formats",
    "engines",
    "ingest",
    "dali",
    "query",
    "uws",
    "tap",
    "vosi",
    "server",
)
# Rooms on one floor that must not know each other although the order would allow it.
STRANGERS = {
    "sphere": {"schema"},
    "formats": {"adql"},
    "engines": {"adql", "formats"},
    "dali": {"adql", "engines", "ingest"},
    "query": {"dali", "ingest"},
    "uws": {"adql", "engines", "ingest", "query"},
    "tap": {"ingest"},
    "vosi": {"tap", "uws", "ingest"},
}


def rooms_imported(path: Path) -> set[str]:
    """Name the rooms that the module at `path` imports, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 2 and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == 2:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            assert not any(name.split(".")[0] == "nashira" for name in names), f"{path}: use relative imports"
    return found - {"__version__"}


def modules() -> list[Path]:
    return [path for room in ORDER for path in sorted((ROOT / room).rglob("*.py"))]


def test_every_room_has_a_place_in_the_order() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders == set(ORDER)


def test_imports_run_downward() -> None:
    wrong: list[str] = []
    for path in modules():
        room = path.relative_to(ROOT).parts[0]
        above = {other for other in ORDER if ORDER.index(other) > ORDER.index(room)} | STRANGERS.get(room, set())
        wrong.extend(f"{path.relative_to(ROOT)} imports {other}" for other in rooms_imported(path) & above)
    assert not wrong


def test_only_three_python_files_stand_at_the_root() -> None:
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_modules_and_functions_keep_their_limits() -> None:
    wrong: list[str] = []
    for path in modules():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 500:
            wrong.append(f"{path.relative_to(ROOT)} has more than 500 lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 60:
                    wrong.append(f"{path.relative_to(ROOT)}: {node.name} has {length} lines")
    assert not wrong
