"""Runs as they may leave this machine: without keys, without ways to get one, and in characters any reader takes.

What is removed, from the runs themselves, so that no format can forget it:

- how an endpoint gets its keys (`api_key_env`, `key_command`, `secret_headers`), its `ca_file`, and how hosts are
  reached: they mean something on this machine only, and in a file from elsewhere they could send a person's key, or run
  a command;
- values of headers and of fields of `extra` whose name or value looks secret, user names and passwords in URLs;
- everywhere, texts included: values of this process' environment variables that are named like keys or that an
  endpoint names, and what has the form of an API key;
- lone surrogates, which no encoding can write, become U+FFFD.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from tui.advice.trial import TrialResult
from tui.core.choice import Choice
from tui.core.events import Kind
from tui.core.host import Host
from tui.core.objectives import Objective
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.run import LazyRuns, StoredRun
from tui.core.sanitize import KEY_FORM
from tui.core.target import Endpoint, Target, keys_in
from tui.core.timeline import Timeline
from tui.secret_names import is_secret_name


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of an export, as `portable` leaves them."""

    runs: Sequence[StoredRun]
    """At least one."""
    tried: Sequence[TrialResult] = ()
    """Changes that were tried on what the runs ask, the latest first."""
    with_texts: bool = True
    """False: without prompts and answers."""
    objectives: Sequence[Objective] = ()
    """Limits that reports judge the runs by."""
    choice: Choice | None = None
    """The target that was chosen among the runs', where a rule said how."""


REMOVED = "(removed)"
"""Stands where something secret was."""

_SECRET_VALUE = re.compile(r"(?<![a-z])sk[-_]|^(bearer|basic) |[a-z0-9+/_=]{32,}", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]*@")
_SURROGATE = re.compile("[\ud800-\udfff]")


_WITHOUT_TEXT = (int, float, bool, type(None))


def known_keys(runs: Iterable[StoredRun], environ: Mapping[str, str]) -> list[str]:
    """Values of environment variables that hold keys, longest first."""
    return keys_in(environ, {name for run in runs for endpoint in _endpoints(run) for name in endpoint.key_variables})


def portable(runs: Sequence[StoredRun], keys: Iterable[str] = (), *, with_texts: bool = True) -> Sequence[StoredRun]:
    """Copies of the runs without anything secret (see the module), and without their number in this history.

    Each is made when it is used.

    Without texts, prompts, answers and the free table `extra` are left out as well.
    """
    harmless = _harmless(keys)
    return LazyRuns(runs, lambda run: _texts(_run(run, harmless, with_texts=with_texts), harmless))


def portable_ledger(
    tried: Iterable[TrialResult], keys: Iterable[str] = (), *, with_texts: bool = True
) -> list[TrialResult]:
    """Copies of the ledger's entries, as `portable` leaves runs."""
    harmless = _harmless(keys)
    return [_texts(_tried(entry, with_texts=with_texts), harmless) for entry in tried]


def portable_choice(choice: Choice | None, keys: Iterable[str] = ()) -> Choice | None:
    """A copy of a choice, whose names may hold what is secret."""
    found: Choice | None = _texts(choice, _harmless(keys))
    return found


def portable_prompt(prompt: Prompt) -> Prompt:
    """A prompt without the checks that are programs of this machine, and without places of files on it."""
    replace = msgspec.structs.replace
    kept = tuple(check for check in prompt.checks if check.command is None)
    if prompt.attach:
        attached = tuple(replace(file, path="") for file in prompt.attached)
        prompt = replace(prompt, attach=tuple(PurePath(path).name for path in prompt.attach), attached=attached)
    if any(turn.attached for turn in prompt.turns):
        bare = tuple(
            replace(turn, attached=tuple(replace(file, path="") for file in turn.attached)) for turn in prompt.turns
        )
        prompt = replace(prompt, turns=bare)
    return prompt if len(kept) == len(prompt.checks) else replace(prompt, checks=kept)


def portable_endpoint(endpoint: Endpoint) -> Endpoint:
    """An endpoint without its key's whereabouts and without anything that looks secret."""
    return msgspec.structs.replace(
        endpoint,
        base_url=_without_user(endpoint.base_url),
        proxy=_without_user(endpoint.proxy) if endpoint.proxy else endpoint.proxy,
        api_key_env=None,
        key_command=(),
        secret_headers={},
        aws_credentials=False,
        ca_file=None,
        headers={name: _value(name, value) for name, value in endpoint.headers.items()},
    )


def _harmless(keys: Iterable[str]) -> Callable[[str], str]:
    known = [re.escape(key) for key in keys]
    pattern = re.compile("|".join([*known, KEY_FORM.pattern]))

    def harmless(text: str) -> str:
        return _SURROGATE.sub("\ufffd", pattern.sub(REMOVED, _PASSWORD_IN_URL.sub("", text)))

    return harmless


def _tried(entry: TrialResult, *, with_texts: bool) -> TrialResult:
    replace, change = msgspec.structs.replace, entry.trial.change
    parameters = _parameters(change.parameters)
    if with_texts:
        return replace(entry, trial=replace(entry.trial, change=replace(change, parameters=parameters)))
    bare = replace(change, parameters=_without_extra(parameters), edit=None)
    return replace(entry, prompt="", trial=replace(entry.trial, change=bare))


def _endpoints(run: StoredRun) -> list[Endpoint]:
    return [*run.plan.endpoints, *(record.spec.endpoint for record in run.requests)]


def _run(run: StoredRun, harmless: Callable[[str], str], *, with_texts: bool) -> StoredRun:
    return msgspec.structs.replace(
        run,
        number=None,
        plan=_plan(run.plan) if with_texts else _plan_without_texts(_plan(run.plan)),
        requests=[_record(record, harmless, with_texts=with_texts) for record in run.requests],
    )


def _plan(plan: Plan) -> Plan:
    replace = msgspec.structs.replace
    return replace(
        plan,
        prompt=portable_prompt(plan.prompt),
        variants=tuple(map(portable_prompt, plan.variants)),
        files={PurePath(path).name: replace(file, path="") for path, file in plan.files.items()},
        parameters=_parameters(plan.parameters),
        targets=tuple(replace(target, parameters=_parameters(target.parameters)) for target in plan.targets),
        endpoints=tuple(map(portable_endpoint, plan.endpoints)),
        # How they are reached is this machine's affair, and a command in a file from elsewhere would be run.
        hosts=tuple(Host(name=host.name) for host in plan.hosts),
    )


def _plan_without_texts(plan: Plan) -> Plan:
    """Made from what is known to hold no text, so that a field that is new one day is left out and not let out."""
    return Plan(
        prompt=Prompt(),
        parameters=_without_extra(plan.parameters),
        targets=tuple(
            Target(
                model=target.model,
                endpoint=target.endpoint,
                name=target.name,
                drop=target.drop,
                parameters=_without_extra(target.parameters),
                host=target.host,
                against=target.against,
            )
            for target in plan.targets
        ),
        endpoints=plan.endpoints,
        hosts=plan.hosts,
        default_endpoint=plan.default_endpoint,
        timeouts=plan.timeouts,
        retries=plan.retries,
    )


def _record(record: RequestRecord, harmless: Callable[[str], str], *, with_texts: bool) -> RequestRecord:
    return msgspec.structs.replace(
        record,
        spec=_spec(record.spec, with_texts=with_texts),
        kept=None,
        pieces=_pieces(record, harmless) if with_texts else [],
        # The reasons quote both the answer and what it should be.
        checks=record.checks
        if with_texts
        else tuple(msgspec.structs.replace(each, reason="", span=None) for each in record.checks),
    )


def _spec(spec: RequestSpec, *, with_texts: bool) -> RequestSpec:
    parameters = _parameters(spec.parameters)
    return msgspec.structs.replace(
        spec,
        endpoint=portable_endpoint(spec.endpoint),
        prompt=portable_prompt(spec.prompt) if with_texts else Prompt(),
        parameters=parameters if with_texts else _without_extra(parameters),
    )


def _pieces(record: RequestRecord, harmless: Callable[[str], str]) -> list[tuple[Kind, str]]:
    """The pieces; where something secret runs over the edge of one, all text of its kind in the first of that kind."""
    pieces = record.pieces
    for kind in Kind:
        whole = record.text(kind)
        if REMOVED in harmless(whole) and REMOVED not in whole:
            texts = itertools.chain([harmless(whole)], itertools.repeat(""))
            pieces = [(found, next(texts)) if found is kind else (found, text) for found, text in pieces]
    return pieces


def _parameters(parameters: Parameters) -> Parameters:
    return (
        parameters if parameters.extra is None else msgspec.structs.replace(parameters, extra=_fields(parameters.extra))
    )


def _without_extra(parameters: Parameters) -> Parameters:
    return msgspec.structs.replace(parameters, extra=None)


def _fields(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _fields(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_fields(item, name) for item in value]
    return _value(name, value) if isinstance(value, str) else value


def _value(name: str, value: str) -> str:
    return REMOVED if is_secret_name(name) or _SECRET_VALUE.search(value) else value


def _without_user(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return REMOVED
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url


def _texts(value: Any, harmless: Callable[[str], str]) -> Any:
    """`value` with every text in it made harmless, names in free tables included."""
    if type(value) in _WITHOUT_TEXT:  # most values are: stamps and counts
        return value
    match value:
        case Timeline() | StrEnum():
            return value
        case str():
            return harmless(value)
        case msgspec.Struct():
            changed = {name: _texts(getattr(value, name), harmless) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **changed)
        case dict():
            return {_texts(name, harmless): _texts(item, harmless) for name, item in value.items()}
        case list():
            return [_texts(item, harmless) for item in value]
        case tuple():
            return tuple(_texts(item, harmless) for item in value)
        case _:
            return value


def without_keys(text: str, environ: Mapping[str, str], named: Iterable[str | None] = ()) -> str:
    """A text without the keys that the environment holds, by the names of its variables, or by what is `named`."""
    return _harmless(keys_in(environ, set(named)))(text)
