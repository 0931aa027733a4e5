"""What the environment says: deployment overrides `kontaktpuls.yaml`, and secrets.

Every key of the file has a variable: `web.port` is `KONTAKTPULS_WEB_PORT`; what stands under
`security` begins with `KONTAKTPULS_KAFKA_`. Empty variables count as not set.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from agents.settings.cluster import SASL, ClusterSection
from agents.settings.document import ENVIRONMENT
from agents.settings.problems import Problem, suggestion
from agents.settings.tls import TLS_FILES
from agents.settings.yaml_values import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agents.settings.document import Document, Loc

PREFIX = "KONTAKTPULS_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
KAFKA_PASSWORD = f"{PREFIX}KAFKA_PASSWORD"
REDIS_PASSWORD = f"{PREFIX}REDIS_PASSWORD"
REDIS_URL = f"{PREFIX}REDIS_URL"
SMTP_PASSWORD = f"{PREFIX}EXPORTS_SMTP_PASSWORD"
PSEUDONYM_KEY = f"{PREFIX}PSEUDONYM_KEY"
PSEUDONYM_KEY_FILE = f"{PSEUDONYM_KEY}_FILE"
HTTP_TOKENS = f"{PREFIX}HTTP_TOKENS"
OTHER_VARIABLES = frozenset(
    {
        CONFIG_VARIABLE,
        KAFKA_PASSWORD,
        REDIS_PASSWORD,
        SMTP_PASSWORD,
        PSEUDONYM_KEY,
        PSEUDONYM_KEY_FILE,
        HTTP_TOKENS,
    }
)

SECTION_PREFIXES = {"security": "KAFKA"}
FILE_KEYS = frozenset({"password_file", *TLS_FILES})


def _variables(model: type[BaseModel], loc: Loc, name: str) -> Iterator[tuple[str, Loc, Any]]:
    for key, field in model.model_fields.items():
        at = (*loc, key)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            part = SECTION_PREFIXES.get(key, key.upper())
            yield from _variables(field.annotation, at, f"{name}{part}_")
        elif at != ("version",):
            yield f"{name}{key.upper()}", at, field.annotation


VARIABLES: dict[str, tuple[Loc, Any]] = {
    name: (loc, annotation) for name, loc, annotation in _variables(ClusterSection, (), PREFIX)
}
"""The variable of every key of `kontaktpuls.yaml`, and the type of its value."""


def unknown_variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    """Variables that begin like ours and are not."""
    known = OTHER_VARIABLES | VARIABLES.keys()
    for name in environ:
        if name.startswith(PREFIX) and name not in known:
            message = f"is no setting; {suggestion(name, known)}"
            yield Problem(ENVIRONMENT, 0, name, message)


def override(document: Document, environ: Mapping[str, str]) -> None:
    """Put what the environment says into the values of `kontaktpuls.yaml`."""
    if not isinstance(document.value, dict):
        return
    for name, (loc, annotation) in VARIABLES.items():
        text = environ.get(name, "")
        if not text:
            continue
        section: Any = document.value
        for step in loc[:-1]:
            section = section.setdefault(step, {})
        if not isinstance(section, dict):
            continue
        if name == REDIS_URL:
            text = _split_password(text)[0]
        if loc[-1] in FILE_KEYS:
            # In the file such names are relative to it; in the environment, to where one stands.
            text = str(Path(text).absolute())
        section[loc[-1]] = scalar(text) if annotation in (int, bool) else text
        document.overrides[loc] = name


def _split_password(url: str) -> tuple[str, str | None]:
    """A Redis address without its password, and the password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, None
    if parts.password is None:
        return url, None
    user = f"{parts.username}@" if parts.username else ""
    netloc = user + parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=netloc).geturl(), unquote(parts.password)


def _within(raw: object, *section: str) -> dict[Any, Any]:
    """What stands under these keys; empty where nothing does, or no mapping."""
    for key in section:
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}


class Secrets:
    """Passwords, from the environment or from files; never from the YAML itself.

    Attributes:
        kafka, redis, smtp: the passwords, or `None`.
        problems: secrets that are missing, doubled, unreadable or of no use.
    """

    def __init__(self, document: Document, environ: Mapping[str, str], config_dir: Path) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._environ = environ
        self._config_dir = config_dir
        raw = document.value if isinstance(document.value, dict) else {}
        self.kafka = self._find(KAFKA_PASSWORD, "security", raw=raw)
        self.redis = self._find(REDIS_PASSWORD, "redis", raw=raw)
        self.smtp = self._find(SMTP_PASSWORD, "exports", "smtp", raw=raw)
        self._check_kafka(raw.get("security"))
        self._check_smtp(_within(raw, "exports", "smtp"))
        in_url = _split_password(environ.get(REDIS_URL, ""))[1]
        if in_url is not None and self.redis is not None:
            message = f"holds a password, and there is another one; keep `{REDIS_PASSWORD}` only"
            self.problems.append(Problem(ENVIRONMENT, 0, REDIS_URL, message))
        elif in_url is not None:
            self.redis = SecretStr(in_url)

    def _find(self, variable: str, *section: str, raw: object) -> SecretStr | None:
        given = self._environ.get(variable)
        loc = (*section, "password_file")
        if given:
            if loc in self._document.overrides:
                message = f"`{variable}_FILE` is set too; keep one of them"
                self.problems.append(Problem(ENVIRONMENT, 0, variable, message))
            return SecretStr(given)
        name = _within(raw, *section).get("password_file")
        if not isinstance(name, str) or not name:
            return None
        path = self._config_dir / name
        try:
            secret = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            message = f"`{path}` cannot be read ({reason}); write the name of a file that can"
            self.problems.append(self._document.report(loc, message))
            return None
        if not secret:
            message = f"`{path}` is empty; write the password into it"
            self.problems.append(self._document.report(loc, message))
            return None
        return SecretStr(secret)

    def _check_smtp(self, section: dict[Any, Any]) -> None:
        loc = ("exports", "smtp")
        if section.get("username") and self.smtp is None and "password_file" not in section:
            message = "`username` needs a password; write `password_file`, or set "
            message += f"`{SMTP_PASSWORD}` or `{SMTP_PASSWORD}_FILE`"
            self.problems.append(self._document.report(loc, message))
        if self.smtp is not None and not section.get("username"):
            message = "has no effect without `exports.smtp.username`; write both"
            if self._environ.get(SMTP_PASSWORD):
                self.problems.append(Problem(ENVIRONMENT, 0, SMTP_PASSWORD, message))
            else:
                self.problems.append(self._document.report((*loc, "password_file"), message))

    def _check_kafka(self, raw: object) -> None:
        security = raw if isinstance(raw, dict) else {}
        protocol = security.get("protocol", "PLAINTEXT")
        if protocol == SASL and self.kafka is None and "password_file" not in security:
            message = f"`protocol: {SASL}` needs a password; write `password_file`, or set "
            message += f"`{KAFKA_PASSWORD}` or `{KAFKA_PASSWORD}_FILE`"
            self.problems.append(self._document.report(("security",), message))
        if protocol in {"PLAINTEXT", "SSL"} and self._environ.get(KAFKA_PASSWORD):
            message = f"has no effect with the protocol `{protocol}`; write `protocol: {SASL}` or "
            message += "unset it"
            self.problems.append(Problem(ENVIRONMENT, 0, KAFKA_PASSWORD, message))
