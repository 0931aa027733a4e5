"""The whole configuration folder, read at once: all of it right, or every problem told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from pydantic import ValidationError

from agents.settings.cluster import Cluster, ClusterSection, build_cluster
from agents.settings.document import WHOLE_FILE, Document, read_document
from agents.settings.environment import CONFIG_VARIABLE, Secrets, override, unknown_variables
from agents.settings.organisation import read_organisation
from agents.settings.problems import Problem, SettingsError
from agents.settings.refusals import problems_of
from agents.settings.tls import unusable
from streams.organisations import Organisation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_CONFIG_DIR = Path("config")
CLUSTER_FILE = "kontaktpuls.yaml"
ORGANISATIONS = "organisations"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an operator has said.

    Attributes:
        config_dir: the folder it was read from.
        cluster: what holds for every organisation.
        organisations: by name, in alphabetical order.
    """

    config_dir: Path
    cluster: Cluster
    organisations: dict[str, Organisation]


def load_settings(
    config_dir: Path | None = None, *, environ: Mapping[str, str] | None = None
) -> Settings:
    """The settings in a folder, overridden by the environment.

    Without a folder: the one `KONTAKTPULS_CONFIG` names, else `config`. `SettingsError` with
    every problem of every file when there is any.
    """
    env = os.environ if environ is None else environ
    folder = config_dir or Path(env.get(CONFIG_VARIABLE) or DEFAULT_CONFIG_DIR)
    cluster, problems = _read_cluster(folder, env)
    problems += unknown_variables(env)
    organisations: dict[str, Organisation] = {}
    for path in _organisation_files(folder, problems):
        document = _read_file(path)
        organisation, found = read_organisation(document, path.stem)
        problems += found
        if organisation is not None:
            organisations[organisation.name] = organisation
    if cluster is None or problems:
        raise SettingsError(problems)
    return Settings(config_dir=folder, cluster=cluster, organisations=organisations)


def _read_cluster(folder: Path, environ: Mapping[str, str]) -> tuple[Cluster | None, list[Problem]]:
    document = _read_file(folder / CLUSTER_FILE)
    override(document, environ)
    secrets = Secrets(document, environ, folder)
    problems = [*document.problems, *secrets.problems]
    if document.value is None:
        return None, problems
    try:
        section = ClusterSection.model_validate(document.value)
    except ValidationError as error:
        return None, [*problems, *problems_of(error, document, ClusterSection)]
    cluster = build_cluster(
        section,
        kafka_password=secrets.kafka,
        redis_password=secrets.redis,
        smtp_password=secrets.smtp,
        config_dir=folder,
    )
    for place, tls in (("security", cluster.security.tls), ("redis", cluster.redis_tls)):
        problems += [document.report((place, key), fault) for key, fault in unusable(tls)]
    return cluster, problems


def _organisation_files(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    """The files of all organisations; what looks like one and is not becomes a problem."""
    place = folder / ORGANISATIONS
    try:
        paths = sorted(place.iterdir())
    except OSError as error:
        message = f"cannot be read ({error.strerror}); make the folder, with a file for each "
        message += "organisation"
        problems.append(Problem(str(place), 1, WHOLE_FILE, message))
        return
    found = False
    for path in paths:
        if path.suffix == ".yaml" and not path.name.startswith("."):
            found = True
            yield path
        elif path.suffix.lower() in {".yml", ".yaml"} and not path.name.startswith("."):
            message = f"would not be read; rename it to `{path.stem}.yaml`"
            problems.append(Problem(str(path), 1, WHOLE_FILE, message))
    if not found:
        message = "holds no organisation; write `NAME.yaml` for one at least"
        problems.append(Problem(str(place), 1, WHOLE_FILE, message))


def _read_file(path: Path) -> Document:
    document = Document(str(path))
    line = 1
    try:
        return read_document(path.read_text(encoding="utf-8-sig"), str(path))
    except FileNotFoundError:
        message = "is missing; write it"
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        message = "is not UTF-8 text; save it as UTF-8"
    except OSError as error:
        message = f"cannot be read ({error.strerror}); make it a file that the worker may read"
    document.problems.append(Problem(str(path), line, WHOLE_FILE, message))
    return document
