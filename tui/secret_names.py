"""Names that tell secrets: the one list for what is refused in files, shown, exported, redacted and handed on."""

import os
import re

_SECRET = re.compile(r"auth(?!or(?!i[sz]))|key|token|secret|cookie|passw|credential|signature", re.IGNORECASE)
_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD)(_BEDROCK)?$", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """True for the name of a header or field whose value must not be stored, shown or exported."""
    return bool(_SECRET.search(name))


def is_secret_variable(name: str) -> bool:
    """True for a name that ends as those of variables that hold keys do."""
    return bool(_VARIABLE.search(name))


def without_secrets() -> dict[str, str]:
    """This process' environment as other programs get it: no key of ours is for them."""
    return {name: value for name, value in os.environ.items() if not is_secret_name(name)}
