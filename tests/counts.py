"""Counts of the tree: its size, its largest parts, names given twice, and the files that a new thing must touch.

`python tests/counts.py` prints them. `test_structure.py` holds the tree to limits on them.
"""

import ast
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent

RIDDLES = ("What", "How", "Whether", "Where", "Why", "When")
"""Words that open a docstring which describes a thing by a riddle instead of by its noun."""

WIRES = "tui.engine.wires"
"""The package of all wires."""

GOALS = {"A lever": 3, "A figure": 2, "A chart": 2, "An export format": 2, "A wire": 4}
"""Most files that a thing of each kind may touch, but for those that are generated."""

RECIPES = ROOT / "docs" / "architecture.md"
"""The page that says which files each new thing must touch."""

APP = "LatencyApp"
"""The application class."""


@dataclass(frozen=True)
class Class:
    """A class statement of the tree."""

    name: str
    module: str
    lines: int
    bases: tuple[str, ...]
    members: int
    """Methods and annotated or assigned names of the class body."""
    is_nested: bool
    """Whether it stands inside another class, by whose name it is called."""

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Function:
    """A function or method of the tree."""

    name: str
    module: str
    lines: int

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Docstring:
    """The docstring of a module, class, function or field."""

    place: str
    text: str
    is_fields: bool
    """Whether it follows an assignment."""

    @property
    def is_riddle(self) -> bool:
        """Whether it opens with a word such as "What"."""
        words = re.match(r"\W*(\w+)", self.text)
        return words is not None and words[1] in RIDDLES


@dataclass(frozen=True)
class Module:
    """A module of the tree, parsed."""

    path: Path
    name: str
    text: str

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of its tree, the module itself first."""
        return nodes_of(self.path)

    @property
    def tree(self) -> ast.Module:
        tree = self.nodes[0]
        assert isinstance(tree, ast.Module)
        return tree

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file: parsing and walking are what counting takes its time for, and several tests do it."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


@cache
def whole_tree() -> "Tree":
    """The tree of the program, read once by a process."""
    return Tree(ROOT / "tui")


class Tree:
    """The modules below a directory, and what is counted of them."""

    def __init__(self, directory: Path) -> None:
        paths = sorted(directory.rglob("*.py"))
        self.modules = [Module(path, _dotted(path, directory.parent), path.read_text()) for path in paths]
        self.classes = [found for module in self.modules for found in _classes(module)]
        self.functions = [found for module in self.modules for found in _functions(module)]
        self.docstrings = [found for module in self.modules for found in _docstrings(module)]

    @property
    def lines(self) -> int:
        """Lines of all modules together."""
        return sum(module.lines for module in self.modules)

    @property
    def median_lines(self) -> float:
        """Lines of the median module; `__init__` modules without code are left out."""
        return statistics.median(module.lines for module in self.modules if module.lines > 1)

    def with_bases(self, of: Class) -> tuple[int, int]:
        """Lines and members of a class, with those that it inherits from classes of the tree."""
        named = defaultdict(list)
        for one in self.classes:
            named[one.name].append(one)
        seen: dict[str, Class] = {}
        waiting = [of]
        while waiting:
            one = waiting.pop()
            if str(one) not in seen:
                seen[str(one)] = one
                for base in one.bases:
                    near = [other for other in named[base] if other.module == one.module]
                    waiting += near or named[base][:1]
        return sum(one.lines for one in seen.values()), sum(one.members for one in seen.values())

    def duplicate_classes(self) -> dict[str, list[str]]:
        """The modules that define a class of the same name, by name."""
        return _twice((one.name, one.module) for one in self.classes if not one.is_nested)

    def duplicate_modules(self) -> dict[str, list[str]]:
        """The modules that end in the same name, by name."""
        return _twice((m.name.rpartition(".")[2], m.name) for m in self.modules if not m.is_package)

    def riddles(self) -> list[Docstring]:
        """The docstrings that open with a riddle."""
        return [one for one in self.docstrings if one.is_riddle]

    def naming(self, *words: str) -> list[str]:
        """The modules in which any of these stands as an attribute, a name, an argument or a whole string."""
        return [module.name for module in self.modules if _names(module) & set(words)]

    def importing(self, package: str) -> list[str]:
        """The modules outside of a package that import something from it."""
        outside = (module for module in self.modules if not _is_in(module.name, package))
        return [module.name for module in outside if any(_is_in(name, package) for name in _imports(module))]


def _is_in(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


def _imports(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _twice(pairs: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for name, place in pairs:
        found[name].append(place)
    return {name: places for name, places in sorted(found.items()) if len(places) > 1}


def _dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _span(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def _classes(module: Module) -> Iterator[Class]:
    nested = {part for node in module.nodes if isinstance(node, ast.ClassDef) for part in node.body}
    for node in module.nodes:
        if isinstance(node, ast.ClassDef):
            bases = tuple(ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases)
            members = sum(
                isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign)
                for part in node.body
            )
            yield Class(node.name, module.name, _span(node), bases, members, node in nested)


def _functions(module: Module) -> Iterator[Function]:
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(node.name, module.name, _span(node))


def _docstrings(module: Module) -> Iterator[Docstring]:
    for node in module.nodes:
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for number, part in enumerate(node.body):
            # A string after an assignment is the docstring of the field or the constant.
            before = node.body[number - 1] if number else None
            documents = number == 0 or isinstance(before, ast.Assign | ast.AnnAssign)
            if documents and isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
                text = part.value.value
                if isinstance(text, str):
                    yield Docstring(f"{module.name}:{part.lineno}", text, number > 0)


def _names(module: Module) -> set[str]:
    found: set[str] = set()
    for node in module.nodes:
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg | ast.keyword) and node.arg is not None:
            found.add(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def recipes() -> dict[str, list[str]]:
    """The files that the recipes have touched by hand in every case, by what they add."""
    found: dict[str, list[str]] = {}
    for recipe in RECIPES.read_text("utf-8").partition("\n## Recipes\n")[2].split("\n### ")[1:]:
        title, _, text = recipe.partition("\n")
        found[title] = re.findall(r"^\d+\. (?:A module in )?`([\w./]+)`", text, re.MULTILINE)
    return {title: found[title] for title in GOALS}


NAMED = {
    "a lever (top_p)": ("top_p",),
    "a figure (ttfo)": ("ttfo", "ttfo_ns", "ttfo_ms", "TTFO"),
    "a chart (waterfall)": ("waterfall", "WATERFALL", "waterfall_chart"),
    "an export format (csv)": ("render_csv", "csv_export"),
}
"""Things of each kind, and the names by which code speaks of them."""


def _report(tree: Tree) -> Iterator[str]:
    yield f"modules            {len(tree.modules)}"
    yield f"lines              {tree.lines}"
    yield f"median module      {tree.median_lines:g} lines"
    largest = max(tree.modules, key=lambda module: module.lines)
    yield f"largest module     {largest.name}: {largest.lines} lines"
    widest = max(tree.classes, key=lambda one: tree.with_bases(one)[0])
    yield f"largest class      {widest}: {tree.with_bases(widest)[0]} lines with its bases"
    longest = max(tree.functions, key=lambda one: one.lines)
    yield f"largest function   {longest}: {longest.lines} lines"
    for app in (one for one in tree.classes if one.name == APP):
        yield f"members of the app {tree.with_bases(app)[1]}, {app.members} of its own"
    yield from _several("class names given twice ", tree.duplicate_classes())
    yield from _several("module names given twice", tree.duplicate_modules())
    riddles = tree.riddles()
    of_fields = sum(one.is_fields for one in riddles)
    yield f"docstrings         {len(tree.docstrings)}: {len(riddles)} open with a riddle, {of_fields} of them a field's"
    yield "Files to touch, by the recipes"
    for title, files in recipes().items():
        yield f"  {title}: {len(files)}: {', '.join(files)}"
    yield "Modules that name"
    for wire in ("chat", "messages", "responses"):
        found = tree.importing(f"{WIRES}.{wire}")
        yield f"  a wire ({wire}): {len(found)}: {', '.join(found)}"
    for kind, words in NAMED.items():
        found = tree.naming(*words)
        yield f"  {kind}: {len(found)}: {', '.join(found)}"


def _several(title: str, twice: dict[str, list[str]]) -> Iterator[str]:
    yield f"{title} {len(twice)}"
    for name, places in twice.items():
        yield f"  {name}: {', '.join(places)}"


if __name__ == "__main__":
    print("\n".join(_report(whole_tree())))  # noqa: T201
