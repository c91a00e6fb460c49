"""Requests of a conversation that is played: each turn of the user behind the model's own answers before.

Pure: which request follows an answer, and what a whole conversation asks at most. `tui.session.conversation` plays it.
"""

from collections.abc import Sequence

import msgspec

from tui.core.events import Status
from tui.core.plan import RequestSpec
from tui.core.prompt import Conversation, Prompt, ToolResult, Turn, turn_name
from tui.core.record import RequestRecord


def user_turns(prompt: Prompt) -> tuple[str, ...]:
    """The user's words, turn by turn. The plan's words of the model are left out: its own take their place."""
    return (*(turn.text for turn in prompt.turns if turn.role == "user"), prompt.user)


def first_turn(whole: RequestSpec) -> RequestSpec:
    """The request that begins the conversation of `whole`, a request with all its turns."""
    return _asked(whole, 1, ())


def next_turn(whole: RequestSpec, record: RequestRecord, conversation: Conversation) -> RequestSpec | str | None:
    """The request that follows an answer; None at the end, and a sentence where it ends before that."""
    spec, turns = record.spec, len(user_turns(whole.prompt))
    turn = spec.turn or 1
    where = f"{spec.target}: the conversation ended at {turn_name(turn, spec.call)} of {turns}"
    if record.status in (None, Status.CANCELLED, Status.INTERRUPTED):
        return None
    if not record.complete:
        if turn == turns and not spec.call:
            return None  # nothing was to follow
        how = "it was refused" if record.status is Status.REFUSED else "that request failed"
        return f"{where}, because {how}."
    kept = record.kept
    if turn == turns and not (kept and kept.calls):
        return None
    if kept is None:
        cut = "was cut where" if record.status is Status.TRUNCATED else "is such that"
        return f"{where}, because its answer {cut} it cannot be sent back."
    said = (*_transcript(spec.prompt), Turn(role="assistant", text=_words(record), said=kept.said))
    # No thread has what another model wrote in place of the one asked.
    in_thread = spec.parameters.thread and not record.other_model
    whole = msgspec.structs.replace(whole, previous_message=record.message_id if in_thread else None)
    if not kept.calls:
        return _asked(whole, turn + 1, said)
    if missing := next((call.name for call in kept.calls if call.name not in conversation.results), None):
        return f"{where}, because the tool {missing} was called, which has no result in [conversation]."
    if spec.call >= conversation.most_calls:
        return f"{where}, because tools were called more than {conversation.most_calls} times (most_calls)."
    results = tuple(ToolResult(call=call.id, text=conversation.results[call.name]) for call in kept.calls)
    answered = Turn(role="user", text="\n".join(result.text for result in results), results=results)
    return _asked(whole, turn, (*said, answered), spec.call + 1)


def requests_at_most(
    whole: RequestSpec, conversation: Conversation, answer_tokens: int | None = None
) -> list[RequestSpec]:
    """All requests of the conversation, with every answer as long as `max_tokens` allows, or as `answer_tokens`.

    With results of tools, every turn is counted with as many calls as there may be.
    """
    awaited = whole.parameters.max_tokens or 0 if answer_tokens is None else answer_tokens
    calls = conversation.most_calls if conversation.results and answer_tokens is None else 0
    answer = Turn(role="assistant", text="", awaited_tokens=awaited)
    longest = max(conversation.results.values(), key=len, default="")
    found: list[RequestSpec] = []
    said: tuple[Turn, ...] = ()
    for turn in range(1, len(user_turns(whole.prompt)) + 1):
        for call in range(calls + 1):
            found.append(_asked(whole, turn, said, call))
            said = (*_transcript(found[-1].prompt), answer)
            if call < calls:
                said = (*said, Turn(role="user", text=longest, results=(ToolResult(call="", text=longest),)))
    return found


def _asked(whole: RequestSpec, turn: int, said: Sequence[Turn], call: int = 0) -> RequestSpec:
    """The request of one turn behind what was said; only the last turn has the prefill and the checks."""
    words = user_turns(whole.prompt)
    is_last = turn == len(words)
    prompt = msgspec.structs.replace(
        whole.prompt,
        turns=tuple(said),
        user="" if call else words[turn - 1],
        prefill=whole.prompt.prefill if is_last and not call else "",
        checks=whole.prompt.checks if is_last else (),
        attached=whole.prompt.attached if is_last and not call else (),
    )
    return msgspec.structs.replace(whole, prompt=prompt, turn=turn, call=call)


def _transcript(prompt: Prompt) -> tuple[Turn, ...]:
    """All that was said in a request: the turns before, and the user's words."""
    if not prompt.user:
        return prompt.turns
    return (*prompt.turns, Turn(role="user", text=prompt.user, attached=prompt.attached))


def _words(record: RequestRecord) -> str:
    """An answer for people: its text, and the calls of tools by name."""
    called = "".join(f"[{call.name}]" for call in record.kept.calls) if record.kept else ""
    return "\n".join(filter(None, (record.text(), called)))
