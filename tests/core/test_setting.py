"""Declarations on fields: what is declared is found, and the type is left as it was."""

from typing import Annotated, Literal

import msgspec

from tui.core.parameters import Parameters
from tui.core.setting import Setting, is_optional, setting, settings_of, type_of


class Lamp(msgspec.Struct):
    """Settings of a lamp."""

    watts: Annotated[int, msgspec.Meta(ge=1, le=100), setting("Power.", "W", set_by="chosen files")] = 5
    colour: Annotated[Literal["red"] | bool | None, setting("Colour.", old_name="color")] = None
    serial: str = ""


def test_what_is_declared_is_found_in_the_fields_order() -> None:
    assert dict(settings_of(Lamp)) == {
        "watts": Setting(help="Power.", unit="W", set_by="chosen files"),
        "colour": Setting(help="Colour.", old_name="color"),
    }


def test_the_type_keeps_its_limits_and_loses_its_declaration() -> None:
    assert type_of(Lamp, "watts") == Annotated[int, msgspec.Meta(ge=1, le=100)]
    assert type_of(Lamp, "colour") == Literal["red"] | bool
    assert type_of(Lamp, "serial") is str
    assert [name for name in Lamp.__struct_fields__ if is_optional(Lamp, name)] == ["colour"]
    assert all(is_optional(Parameters, name) for name in Parameters.__struct_fields__)


def test_limits_hold_and_the_help_is_the_schemas_description() -> None:
    assert msgspec.convert({"watts": 7}, Lamp).watts == 7
    fields = msgspec.json.schema(Lamp)["$defs"]["Lamp"]["properties"]
    assert (fields["watts"]["description"], fields["watts"]["maximum"]) == ("Power.", 100)
