"""The key-to-line finder, held against tomli: documents in which every value is the line its key stands on."""

from collections.abc import Iterator

import tomli
from hypothesis import given
from hypothesis import strategies as st

from tui.config.files import KeyPath, key_lines

_FILLERS = [
    "",
    "   # [not.a.table] x = 1",
    '{key} = """\n[not.a.table]\n a = 1 # \\"""\n ""x"""""',
    "{key} = '''\n[[no]]\n\"\"\" '' \\'''",
    "{key} = [\n  \"]\", # ]\n  '[',\n  1979-05-27 07:32:00,\n]",
    '{key} = "\\"] # \\\\"',
    "{key} = 1.5e3 # comment = 7",
    "{key} = [[], [ [ ] ], {}]",
    "{key} = {}",
]
_words = st.sampled_from(["a", "b-1", "c_d", "7", "'x.y'", '"q\\u0022#"', '"\\t="', "''", '"é 🥊"'])
_spaces = st.sampled_from(["", " ", "\t "])
_VALUES = ["{line}", "[{line}]", "[ # ]\n {next}, ]", "{{ z = {line}, 'y' = {{ x = {line} }} }}", "'{line}'"]


@st.composite
def _documents(draw: st.DrawFn) -> str:
    """A TOML document in which every number, and every text of digits, is the number of its key's line.

    A few headers collide, or a key is set twice: those documents are not TOML and the caller drops them.
    """
    out: list[str] = []

    def line() -> int:
        return "\n".join([*out, ""]).count("\n") + 1

    for number in range(draw(st.integers(1, 12))):
        match draw(st.sampled_from(["pair", "pair", "table", "list", "filler"])):
            case "table" | "list" as kind:
                space = draw(_spaces)
                name = f"{space}.{space}".join(draw(st.lists(_words, min_size=1, max_size=3)))
                left, right = ("[", "]") if kind == "table" else ("[[", "]]")
                out.append(f"{draw(_spaces)}{left}{space}{name}{space}{right}{draw(_spaces)}# c")
            case "filler":
                out.append(draw(st.sampled_from(_FILLERS)).replace("{key}", f"f{number}"))
            case _:
                space = draw(_spaces)
                dotted = [*draw(st.lists(_words, max_size=2)), f"k{number}"]
                value = draw(st.sampled_from(_VALUES)).format(line=line(), next=line() + 1)
                out.append(f"{space}{f'{space}.{space}'.join(dotted)}{space}={space}{value}{space}")
    return "\n".join(out) + draw(st.sampled_from(["", "\n"]))


def _leaves(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key), inner
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield (*path, position), inner
            yield from _leaves(inner, (*path, position))


@given(_documents())
def test_agrees_with_tomli(text: str) -> None:
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError:
        return
    found = key_lines(text)
    leaves = dict(_leaves(document))
    assert found.keys() == leaves.keys()
    for path, value in leaves.items():
        is_marker = isinstance(value, int) or (isinstance(value, str) and value.isdigit())
        if is_marker and not isinstance(path[-1], int):
            assert found[path] == int(str(value)), path
        elif isinstance(value, int):
            assert found[path] == value, path


def test_tables_of_lists_belong_to_the_latest_item() -> None:
    text = "[[a]]\nx = 1\n[a.b]\ny = 1\n[[a.c]]\n[[a.c]]\n[[a]]\n[[a.c]]\nz = 1\n"
    lines = key_lines(text)
    assert lines["a",] == lines["a", 0] == 1
    assert lines["a", 0, "b", "y"] == 4
    assert lines["a", 0, "c", 1] == 6
    assert lines["a", 1] == 7
    assert lines["a", 1, "c", 0, "z"] == 9


def test_deepest_nesting_that_tomli_takes() -> None:
    text = "k = " + "[" * 390 + "]" * 390
    tomli.loads(text)
    assert key_lines(text)["k",] == 1


def test_long_texts_take_no_time() -> None:
    text = 'user = """\n' + 'a "quoted" \\\\ word\n' * 20_000 + '"""\nnext = 1\n'
    assert key_lines(text)["next",] == 20_003
