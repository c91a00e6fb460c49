"""Holds a TOML document against the schema. The first problem in file order becomes the error."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import tomli

from tui.config import schema
from tui.config.endpoints import ENDPOINT, words
from tui.config.files import Document, KeyPath
from tui.config.keys import Ignored, Key, Layer, Origin, SetValue, expected, refuse_endpoint_name, shown
from tui.config.variables import MAX_ROWS, Row, Variables, differing_name, refuse_name, value_text
from tui.core.checks import MAX_CHECKS, AnswerCheck
from tui.core.checks import complaint as complaint_of
from tui.core.host import MAX_HOSTS, Host
from tui.core.parameters import Parameters
from tui.core.plan import MAX_TARGETS
from tui.core.prompt import MAX_VARIANTS
from tui.core.target import Target
from tui.errors import ConfigError, hint, nearest
from tui.secret_names import is_secret_variable

_NOT_FOUND_ONES = "is not taken from a file that was found and not chosen: put it into your own file"
_OWN_ALONE = "is taken from your own file alone"
_LIKE_A_KEY = 0.88
"""Likeness at which an unknown word is a known one misspelt, and not a secret in the wrong place."""


def value_of(key: Key, raw: object, *, is_text: bool = False) -> object:
    """`raw` as the key's type. With `is_text` numbers may stand as text, as in an environment variable.

    Raises ValueError whose message is the end of a sentence that starts with the key.
    """
    try:
        value: object = msgspec.convert(raw, key.type, strict=not is_text)
    except msgspec.ValidationError:
        raise ValueError(f"must be {expected(key.type)}, but is {shown(raw, key.type, strict=not is_text)}") from None
    if isinstance(value, str) and not _is_unicode(value):
        raise ValueError("must be UTF-8 text")
    complaint = key.refuse(value) if key.refuse else None
    if complaint:
        raise ValueError(complaint)
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def target_of(values: Mapping[str, Any]) -> Target:
    """A target from its flat keys, checked before."""
    names = [key.name for key in schema.PARAMETERS]
    return Target(
        model=values["model"],
        endpoint=values.get("endpoint"),
        name=values.get("name"),
        drop=values.get("drop", ()),
        parameters=Parameters(**{name: values[name] for name in names if name in values}),
    )


def refuse_host(values: Mapping[str, Any], taken: Sequence[object]) -> str | None:
    """The complaint about a host's values that exclude each other, or about its name, if that is `taken`."""
    if values.get("name") in taken:
        return f"is called {shown(values['name'])}, as another host is"
    if values.get("ssh") and values.get("command"):
        return "has both ssh and command: one says how it is reached"
    elsewhere = next((key for key in ("forward_key", "key_command", "ca_file", "proxy") if key in values), None)
    if elsewhere is not None and not (values.get("ssh") or values.get("command")):
        return f"has {elsewhere} and neither ssh nor command: it is this machine, for which [endpoints] says that"
    return None


def host_of(values: Mapping[str, Any]) -> Host:
    """A host from its keys, checked before."""
    commands = {key: words(values[key]) for key in ("command", "key_command") if key in values}
    return Host(**{**values, **commands})


class Checked(msgspec.Struct, frozen=True):
    """One document, checked."""

    entries: dict[str, SetValue]
    """Every value by its dotted path. `targets`, `prompts` and `variables` are one entry each beside those of their
    parts, since a later layer replaces them as a whole."""
    ignored: tuple[Ignored, ...]
    """Values that a file of this layer may not set."""


def check_settings(document: Document, layer: Layer, name: str) -> Checked:
    """Check a settings document. Raises ConfigError for the first problem in file order."""
    checker = Checker(layer, name, document)
    tops = {key.name: key for key in schema.TOP}
    for word, given in document.values.items():
        if word in tops:
            if checker.takes((word,), tops[word]):
                checker.value((word,), tops[word], given)
        elif word in schema.TABLES:
            checker.table((word,), schema.TABLES[word], given)
        elif word == "targets":
            checker.targets(given)
        elif word == "endpoints":
            checker.endpoints(given)
        elif word == "hosts":
            checker.hosts(given)
        elif word == "prompts":
            checker.prompts(given)
        elif word == "variables":
            checker.variables(given)
        else:
            checker.unknown((word,), [*tops, *schema.TABLES, *schema.COLLECTIONS])
    checker.finish()
    return Checked(checker.entries, tuple(checker.ignored))


class Checker:
    """Collects the values of one document, and its problems."""

    def __init__(self, layer: Layer, name: str, document: Document) -> None:
        self.ignored: list[Ignored] = []
        self._layer = layer
        self._name = name
        self._document = document
        self._entered: dict[str, tuple[object, KeyPath]] = {}
        self._problems: list[tuple[int, str]] = []

    @property
    def entries(self) -> dict[str, SetValue]:
        """Values that were entered, with where they stand."""
        return {
            path: SetValue(value, Origin(self._layer, self._name, self._line(at)))
            for path, (value, at) in self._entered.items()
        }

    def finish(self) -> None:
        """Raise ConfigError for the first problem in file order, if there is one."""
        if self._problems:
            raise ConfigError(min(self._problems, key=lambda problem: problem[0])[1])

    def table(self, path: KeyPath, keys: Sequence[Key], given: object) -> dict[str, object] | None:
        """Check one table; its values by key, or None when it cannot be used."""
        if not isinstance(given, dict):
            self._problem(path, f"must be a table, but is {_kind(given)}")
            return None
        before = len(self._problems)
        known = {key.name: key for key in keys}
        old = {key.old_name: key for key in keys if key.old_name and key.name not in given}
        values: dict[str, object] = {}
        for word, raw in given.items():
            if key := known.get(word) or old.get(word):
                if self.takes((*path, word), key):
                    values[key.name] = self.value((*path, word), key, raw)
            else:
                self.unknown((*path, word), known)
        missing = [key.name for key in keys if key.required and key.name not in given]
        if missing and len(self._problems) == before:  # else the key is there, misspelt, and that says more
            self._problem(path, f"has no {missing[0]}")
        return values if len(self._problems) == before else None

    def takes(self, path: KeyPath, key: Key) -> bool:
        """Tell whether a file of this layer may set `key`; if not, that is noted."""
        if self._layer.may_set(key.set_by):
            return True
        remedy = ", or name this one with --config" if Layer.CONFIG.may_set(key.set_by) else ""
        why = f"{_NOT_FOUND_ONES}{remedy}" if self._layer is Layer.PROJECT else _OWN_ALONE
        self.ignored.append(Ignored(dotted(path), Origin(self._layer, self._name, self._line(path)), why))
        return False

    def value(self, path: KeyPath, key: Key, raw: object) -> object:
        """Check one value and enter it under its path."""
        if key.items:
            before = len(self._problems)
            raw = self.tables(path, key.items, raw)
            if len(self._problems) > before:
                return None
        try:
            value = value_of(key, raw)
        except ValueError as problem:
            self._problem(path, str(problem))
            return None
        self._enter((*path[:-1], key.name), value, at=path)
        return value

    def tables(self, path: KeyPath, keys: Sequence[Key], given: object) -> list[dict[str, object]]:
        """Check a list of tables; the values of those that can be used."""
        if not isinstance(given, list):
            self._problem(path, f"must be a list of tables, each under [[{dotted(path)}]], but is {_kind(given)}")
            return []
        checked = [self.table((*path, position), keys, item) for position, item in enumerate(given)]
        # A table of which this layer may set nothing is none: a check that is a program, in a file that was found.
        return [values for values, item in zip(checked, given, strict=True) if values or (values == {} and not item)]

    def targets(self, given: object) -> None:
        """Check the list of targets."""
        path = ("targets",)
        if isinstance(given, list) and not 1 <= len(given) <= MAX_TARGETS:
            self._problem(path, f"must hold 1 to {MAX_TARGETS} targets, but holds {len(given)}")
        self._enter(path, tuple(target_of(values) for values in self.tables(path, schema.TARGET, given)))

    def hosts(self, given: object) -> None:
        """Check the list of hosts."""
        path = ("hosts",)
        if not self.takes(path, schema.HOSTS):
            return
        if isinstance(given, list) and len(given) > MAX_HOSTS:
            self._problem(path, f"must hold at most {MAX_HOSTS} hosts, but holds {len(given)}")
        found = self.tables(path, schema.HOST, given)
        for position, values in enumerate(found):
            if complaint := refuse_host(values, [other.get("name") for other in found[:position]]):
                self._problem((*path, position), complaint)
        self._enter(path, tuple(map(host_of, found)))

    def prompts(self, given: object) -> None:
        """Check the list of variants."""
        path = ("prompts",)
        if isinstance(given, list) and not 1 <= len(given) <= MAX_VARIANTS:
            self._problem(path, f"must hold 1 to {MAX_VARIANTS} prompts, but holds {len(given)}")
        variants = self.tables(path, schema.VARIANT, given)
        items = given if isinstance(given, list) else []
        names = [item.get("name") if isinstance(item, dict) else None for item in items]
        for position, name in enumerate(names):
            if name is not None and name in names[:position]:
                self._problem((*path, position, "name"), f"is {shown(name)}, which another prompt is called")
        self._enter(path, tuple(variants))

    def variables(self, given: object) -> None:
        """Check the values of the variables; a file that is named is not read here."""
        path = ("variables",)
        if not isinstance(given, dict):
            self._problem(path, f"must be a table, but is {_kind(given)}")
            return
        keys = {key.name: key for key in schema.VARIABLES}
        if len(given) > 1 and any(word in keys for word in given):
            self._problem(path, "must hold file, or rows, or the names of variables: one of the three")
        elif "file" in given:
            if self.takes((*path, "file"), keys["file"]):
                self._enter(path, Variables(file=str(self.value((*path, "file"), keys["file"], given["file"]))))
        elif "rows" in given:
            self._enter(path, Variables(rows=self._rows((*path, "rows"), given["rows"])))
        else:
            self._enter(path, Variables(rows=tuple([row] if (row := self._row(path, given)) else [])))

    def _rows(self, path: KeyPath, given: object) -> tuple[Row, ...]:
        if not isinstance(given, list) or not 1 <= len(given) <= MAX_ROWS:
            kind = f"holds {len(given)}" if isinstance(given, list) else f"is {_kind(given)}"
            self._problem(path, f"must be a list of 1 to {MAX_ROWS} tables, but {kind}")
            return ()
        for position, row in enumerate(given):
            at = (*path, position)
            if not isinstance(row, dict) or not row:
                self._problem(at, "must be a table with a value for every variable")
            elif isinstance(given[0], dict) and (complaint := differing_name(row, given[0])):
                self._problem(at, complaint)
        return tuple(self._row((*path, position), row) for position, row in enumerate(given) if isinstance(row, dict))

    def _row(self, path: KeyPath, given: Mapping[str, object]) -> Row:
        row: Row = {}
        for name, raw in given.items():
            at = (*path, name)
            text = value_text(raw)
            if complaint := refuse_name(name):
                self._problem(path, f"holds {shown(name)}, which {complaint}", at=at)
            elif text is None or not _is_unicode(text):
                self._problem(at, f"must be a text or a number, but is {shown(raw)}")
            else:
                self._enter(at, text)
                row[name] = text
        return row

    def endpoints(self, given: object) -> None:
        """Check the tables of endpoints."""
        if not isinstance(given, dict):
            self._problem(("endpoints",), f"must be tables, each under [endpoints.NAME], but is {_kind(given)}")
            return
        for name, table in given.items():
            path = ("endpoints", name)
            complaint = refuse_endpoint_name(name)
            if complaint:
                self._problem(("endpoints",), f"holds a name that {complaint}", at=path)
            elif name in (schema.AUTO, schema.SIMULATOR):
                self._problem(path, "is built in and cannot be defined")
            elif not isinstance(table, dict) and is_secret_variable(name):
                self.unknown(path, ())
            else:
                self._enter(path, None)
                flat, timeouts = table, None
                if isinstance(table, dict):
                    flat = {key: value for key, value in table.items() if key != "timeouts"}
                    timeouts = table.get("timeouts")
                self.table(path, ENDPOINT, flat)
                if timeouts is not None:
                    self.table((*path, "timeouts"), schema.TABLES["timeouts"], timeouts)

    def unknown(self, path: KeyPath, known: Iterable[str]) -> None:
        """Note a key that does not exist, with the nearest that does."""
        word, table = str(path[-1]), path[:-1]
        known = list(known)
        if is_secret_variable(word) and not nearest(word, known, _LIKE_A_KEY):
            remedy = "put the key into an environment variable and name that in api_key_env"
            self._problem(path, f"must not stand in a file: {remedy}")
            return
        names = known
        prefix = "".join(f"{part}." for part in table)
        elsewhere = [dotted for dotted in schema.keys_by_path() if dotted.rpartition(".")[2] == word]
        if nearest(word, names) is None and elsewhere:
            end = f"did you mean {elsewhere[0]}?"
        else:
            end = hint(word, names, prefix)
        printable = word if word.isprintable() and "not shown" not in shown(word) else shown(word)
        self._problem(path, f"{prefix}{printable}; {end}", lead="unknown key ")

    def _enter(self, path: KeyPath, value: object, *, at: KeyPath = ()) -> None:
        self._entered[dotted(path)] = value, at or path

    def _problem(self, path: KeyPath, text: str, *, at: KeyPath = (), lead: str = "") -> None:
        line = self._line(at or path)
        place = Origin(self._layer, self._name, line)
        subject = lead or f"{dotted(path)} "
        end = "" if text.endswith((".", "?")) else "."
        self._problems.append((line or 0, f"{place}: {subject}{text}{end}"))

    def _line(self, path: KeyPath) -> int | None:
        lines = self._document.lines
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path)


def dotted(path: KeyPath) -> str:
    """A path as errors and provenance spell it: `targets.0.model`."""
    return ".".join(str(part) for part in path)


def _kind(given: object) -> str:
    """The kind of `given`, which should be a table, without its content: it may be a secret."""
    if isinstance(given, dict):
        return "one table"
    if isinstance(given, list):
        return "a list"
    return "a text" if isinstance(given, str) else "a single value"


_OF_A_CHECK = AnswerCheck.__struct_fields__


def parse_checks(text: str) -> tuple[AnswerCheck, ...]:
    """The checks of a text, empty lines aside.

    Raises ValueError, one sentence, for the first line that cannot be used.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    found = tuple(_check_of(number, line) for number, line in lines if line)
    if len(found) > MAX_CHECKS:
        raise ValueError(f"There are {len(found)} checks, and a prompt takes {MAX_CHECKS}: leave some out.")
    return found


def check_lines(checks: Sequence[AnswerCheck]) -> str:
    """The text that `parse_checks` reads as these checks."""
    return "\n".join(
        ", ".join(f"{name} = {_on_one_line(value)}" for name, value in _given_of(check)) for check in checks
    )


def _given_of(check: AnswerCheck) -> list[tuple[str, object]]:
    usual = AnswerCheck()
    values = [(name, getattr(check, name)) for name in _OF_A_CHECK]
    return [(name, value) for name, value in values if value != getattr(usual, name)]


def _on_one_line(value: object) -> str:
    # JSON leaves this one character alone, TOML does not take it.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _check_of(number: int, line: str) -> AnswerCheck:
    where = f"Line {number}: "
    try:
        given = tomli.loads(f"check = {{ {line} }}")["check"]
        unknown = next((name for name in given if name not in _OF_A_CHECK), None)
        if unknown is not None:
            raise ValueError(f"{unknown} is no check; {hint(unknown, _OF_A_CHECK)}")
        check = msgspec.convert(given, AnswerCheck)
    except tomli.TOMLDecodeError:
        raise ValueError(f'{where}write it like contains = "Paris", or max_words = 50.') from None
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}{str(error)[:1].lower()}{str(error)[1:]}.") from None
    except ValueError as error:
        raise ValueError(f"{where}{str(error).removesuffix('.')}.") from None
    if (said := complaint_of(check)) is not None:
        raise ValueError(f"{where}it {said}.")
    return check
