"""Verdicts of a simulated judge: deterministic, so that what a judge is told by an answer can be tried.

The rule: yes, if the answer holds what the question has last in double quotes, or anything where it quotes nothing.
"""

import re

import msgspec

from tui.simulator.profiles import Profile

_QUOTED = re.compile(r'"([^"]+)"')
_TOLD = re.compile(r"ignore the question\W+say (yes|no)", re.IGNORECASE)


class _JudgedAnswer(msgspec.Struct):
    question: str
    answer: str


def verdict(profile: Profile, prompt: str, said: str | None) -> str | None:
    """The words of the judge, as JSON where its answer is to be that; None where it is not asked to judge."""
    try:
        asked = msgspec.json.decode(prompt, type=_JudgedAnswer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    told = _TOLD.search(asked.answer) if profile.judges == "gullible" else None
    wanted = _QUOTED.findall(asked.question)
    holds = wanted[-1] in asked.answer if wanted else bool(asked.answer.strip())
    word = told[1].lower() if told is not None else "yes" if holds else "no"
    return word if said is None else msgspec.json.encode({"verdict": word}).decode()
