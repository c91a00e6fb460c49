"""The private parts of Textual that are relied upon are listed in `docs/upstream/textual.md`, and are there in this
version of it. What is wrong with it there still is: each reproduction prints what was seen."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from counts import ROOT, nodes_of

import tui.ui

FAULTS, _, PAGE = (ROOT / "docs/upstream/textual.md").read_text("utf-8").partition("\n## Private parts in use\n")
REPORTS = re.findall(
    r"^## ([^\n]+)\n\n```python\n(.+?)```\n\nSeen:\n\n```text\n(.+?)```", FAULTS, re.MULTILINE | re.DOTALL
)
LISTED = re.findall(r"^- `([\w.]+)`", PAGE, re.MULTILINE)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def textuals(kind: type) -> list[type]:
    """The classes of Textual that a class of ours inherits from."""
    return [base for base in kind.__mro__ if base.__module__.partition(".")[0] == "textual"]


@cache
def defined_in(module: str) -> dict[str, set[str]]:
    """By class of a module the names that it defines itself, or gives to its instances."""
    nodes = nodes_of(Path(str(import_module(module).__file__)))
    return {kind.name: set(names_of(kind)) for kind in nodes if isinstance(kind, ast.ClassDef)}


def names_of(kind: ast.ClassDef) -> Iterator[str]:
    for node in ast.walk(kind):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
    for node in kind.body:
        if isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def has(kind: type, name: str) -> bool:
    return name in defined_in(kind.__module__).get(kind.__name__, set())


def place(kind: type, name: str) -> str | None:
    """The name as it is listed: by the first class of Textual that has it."""
    owners = [base for base in textuals(kind) if has(base, name)]
    return f"{owners[-1].__module__}.{owners[-1].__name__}.{name}" if owners else None


def used() -> Iterator[str]:
    """Every private part of Textual that a class of ours uses or replaces, or that a module imports."""
    for found in walk_packages(tui.ui.__path__, "tui.ui."):
        module = import_module(found.name)
        for node in nodes_of(Path(str(module.__file__))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual"):
                parts = (f"{node.module}.{alias.name}" for alias in node.names)
                yield from (part for part in parts if any(map(is_private, part.split("."))))
            if isinstance(node, ast.ClassDef) and isinstance(kind := getattr(module, node.name, None), type):
                names = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
                names |= {part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
                yield from filter(None, (place(kind, name) for name in names if is_private(name)))


def test_each_has_its_reason_and_its_issue() -> None:
    entries = re.split(r"^- ", PAGE, flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if not re.search(r": .{10,} Issue:\s.+\.\s", entry, re.DOTALL)] == []


def test_every_private_part_in_use_is_listed() -> None:
    assert sorted(set(used()) - set(LISTED)) == []


@pytest.mark.parametrize("part", LISTED)
def test_textual_has_it(part: str) -> None:
    """If this fails, read what the list says it is for, and what Textual's changes say has taken its place."""
    owner, _, name = part.rpartition(".")
    module, _, kind = owner.rpartition(".")
    if kind[:1].isupper():
        assert has(getattr(import_module(module), kind), name), f"Textual no longer has {part}"
    else:
        assert hasattr(import_module(owner), name), f"Textual no longer has {part}"


@pytest.mark.screen
@pytest.mark.parametrize(("code", "seen"), [report[1:] for report in REPORTS], ids=[report[0] for report in REPORTS])
def test_what_is_wrong_with_it_still_is(code: str, seen: str) -> None:
    """If this fails, Textual was mended: take out what the section says that we do about it, and the section."""
    said: list[str] = []
    # Textual takes what is printed while an application runs.
    names = {"__name__": "reproduction", "print": lambda *words: said.append(f"{' '.join(map(str, words))}\n")}
    exec(compile(code, "reproduction", "exec"), names)
    assert "".join(said) == seen


def test_every_fault_has_its_reproduction() -> None:
    assert len(REPORTS) == FAULTS.count("\n## ") - FAULTS.count("\n## Known there already\n")
    assert FAULTS.count("\n\nHere: ") == len(REPORTS)
