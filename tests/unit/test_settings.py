"""The configuration folder: what is read, what the environment overrides, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from agents.settings import Settings, SettingsError, load_settings
from agents.settings.document import read_document
from agents.settings.environment import VARIABLES
from agents.settings.refusals import problems_of
from streams.instants import DAY, SECOND

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config"

CLUSTER = "brokers: kafka-1:9092\n"
ORGANISATION = """\
display_name: Orust
calendars: {default: {hours: {mon-fri: 08:00-16:30}}}
"""


def folder(path: Path, cluster: str = CLUSTER, *, organisation: str = ORGANISATION) -> Path:
    """A configuration folder with one organisation."""
    (path / "organisations").mkdir()
    (path / "kontaktpuls.yaml").write_text(cluster, encoding="utf-8")
    (path / "organisations" / "orust.yaml").write_text(organisation, encoding="utf-8")
    return path


def load(path: Path, **environ: str) -> Settings:
    """The settings under exactly these variables."""
    return load_settings(path, environ={f"KONTAKTPULS_{key}": v for key, v in environ.items()})


def problems(path: Path, **environ: str) -> list[str]:
    """What is said about a folder, without its name in front."""
    with pytest.raises(SettingsError) as caught:
        load(path, **environ)
    return [str(problem).removeprefix(f"{path}/") for problem in caught.value.problems]


def test_every_problem_of_a_broken_folder_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run names everything there is to mend, by file and line, and says what to write."""
    monkeypatch.chdir(ROOT)
    broken = Path("tests/golden/broken-config")
    expected = (broken / "expected.txt").read_text(encoding="utf-8")

    with pytest.raises(SettingsError) as caught:
        load_settings(broken, environ={})

    assert f"{caught.value}\n" == expected


def test_the_shipped_configuration_is_right() -> None:
    """Whoever copies the examples starts from something that works."""
    settings = load(SHIPPED)

    assert list(settings.organisations) == ["anonymous-bank", "exempelkommun"]
    assert [p.name for p in settings.organisations["exempelkommun"].promises] == [
        "answered-in-2-minutes",
        "switchboard-in-60-seconds",
        "reply-in-2-days",
    ]


def test_the_shipped_cluster_file_writes_out_the_defaults(tmp_path: Path) -> None:
    """Deleting a line from the shipped file changes nothing."""
    shipped = load(SHIPPED)
    least = load(folder(tmp_path, "brokers: 127.0.0.1:9092\n"))

    assert least.cluster == shipped.cluster


def test_every_shipped_file_opens_with_a_comment_that_explains_it() -> None:
    """An operator who opens a file learns what it is and when a change takes effect."""
    files = sorted(SHIPPED.glob("kontaktpuls.yaml")) + sorted(SHIPPED.glob("organisations/*.yaml"))
    comments = {
        file.name: file.read_text(encoding="utf-8").split("\nversion:")[0] for file in files
    }

    assert len(comments) == 3
    for comment in comments.values():
        assert all(line.startswith("#") for line in comment.splitlines())
        assert "A change takes effect when the workers are restarted" in comment.replace(
            "\n# ", " "
        )


def test_values_arrive_in_the_units_of_the_core(tmp_path: Path) -> None:
    """Durations are microseconds and brokers one text, wherever they were written."""
    cluster = load(
        folder(tmp_path, "brokers: [a:1, 'b:2']\nhorizon: 40 days\nredis: {snapshot_ttl: 90 s}\n")
    ).cluster

    assert cluster.brokers == "a:1,b:2"
    assert cluster.horizon == 40 * DAY
    assert cluster.redis_ttl == 90 * SECOND


@pytest.mark.parametrize(
    ("variable", "text", "attribute", "value"),
    [
        ("BROKERS", "a:1,b:2", "brokers", "a:1,b:2"),
        ("REDIS_URL", "redis://cache:6379/1", "redis_url", "redis://cache:6379/1"),
        ("REDIS_ENABLED", "false", "redis_url", None),
        ("INSTANCE_ID", "1", "instance_id", "1"),
        ("WEB_HOST", "0.0.0.0", "web_host", "0.0.0.0"),  # noqa: S104 - only compared
        ("WEB_PORT", "9999", "web_port", 9999),
        ("CLOCK", "events", "clock", "events"),
        ("PARTITIONS", "3", "partitions", 3),
        ("EMBEDDED", "true", "embedded", True),
        ("FLUSH_INTERVAL", "2 s", "flush_interval", 2 * SECOND),
        ("DATA_DIR", "/var/lib/kontaktpuls", "data_dir", Path("/var/lib/kontaktpuls")),
        ("TIMEOUTS_STALL", "2 min", "stall_timeout", 120 * SECOND),
    ],
)
def test_the_environment_overrides_the_file(
    tmp_path: Path, variable: str, text: str, attribute: str, value: object
) -> None:
    """A container is configured without editing the file it carries."""
    cluster = load(folder(tmp_path), **{variable: text}).cluster

    assert getattr(cluster, attribute) == value


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    """Compose files pass empty text for what nobody has set."""
    cluster = load(folder(tmp_path), BROKERS="", WEB_PORT="").cluster

    assert (cluster.brokers, cluster.web_port) == ("kafka-1:9092", 9464)


def test_every_key_of_the_cluster_file_has_a_variable() -> None:
    """The rule that makes a variable of a key holds for nested keys and for Kafka's."""
    expected = {"WEB_PORT": ("web", "port"), "KAFKA_CA_FILE": ("security", "ca_file")}

    assert {key: VARIABLES[f"KONTAKTPULS_{key}"][0] for key in expected} == expected
    assert "KONTAKTPULS_VERSION" not in VARIABLES


def test_a_wrong_variable_is_named_with_its_problem(tmp_path: Path) -> None:
    """What the environment got wrong is not blamed on a line of the file."""
    found = problems(
        folder(tmp_path, f"{CLUSTER}web: {{port: 9464}}\n"), WEB_PORT="http", BROKER="a:1"
    )

    assert found == [
        "environment: KONTAKTPULS_BROKER: is no setting; did you mean `KONTAKTPULS_BROKERS`?",
        "environment: KONTAKTPULS_WEB_PORT: `http` is not a whole number; write digits only",
    ]


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--config` the folder is the one in the environment, else `config`."""
    named = folder(tmp_path)
    monkeypatch.chdir(ROOT)

    assert load_settings(environ={"KONTAKTPULS_CONFIG": str(named)}).config_dir == named
    assert load_settings(environ={}).config_dir == Path("config")


SASL = CLUSTER + "security: {protocol: SASL_SSL, username: kontaktpuls}\n"


def test_a_password_comes_from_the_environment(tmp_path: Path) -> None:
    """A secret given as a variable reaches the settings and shows in no text of theirs."""
    given = {"KAFKA_PASSWORD": "hunter2", "REDIS_PASSWORD": "swordfish"}
    settings = load(folder(tmp_path, SASL), **given)
    password = settings.cluster.security.password

    assert password is not None
    assert password.get_secret_value() == "hunter2"
    assert settings.cluster.redis_password is not None
    assert settings.cluster.redis_password.get_secret_value() == "swordfish"
    assert "hunter2" not in repr(settings)
    assert "swordfish" not in repr(settings)


def test_a_password_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    """The file named in the YAML is read relative to it, without the newline at its end."""
    (tmp_path / "secret").write_text("hunter2\n", encoding="utf-8")
    security = "security: {protocol: SASL_SSL, username: me, password_file: secret}\n"
    password = load(folder(tmp_path, CLUSTER + security)).cluster.security.password

    assert password is not None
    assert password.get_secret_value() == "hunter2"


def test_a_password_file_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file named by a variable is relative to where the worker starts."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("hunter2", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "elsewhere")
    given = {"KAFKA_PASSWORD_FILE": "secret"}
    settings = load(folder(tmp_path, SASL), **given)
    password = settings.cluster.security.password

    assert password is not None
    assert password.get_secret_value() == "hunter2"


def test_a_redis_address_from_the_environment_may_hold_its_password(tmp_path: Path) -> None:
    """Hosting services hand out one address; its password is kept apart from it."""
    cluster = load(folder(tmp_path), REDIS_URL="rediss://app:s%40fe@cache:6380/0").cluster

    assert cluster.redis_url == "rediss://app@cache:6380/0"
    assert cluster.redis_password is not None
    assert cluster.redis_password.get_secret_value() == "s@fe"


@pytest.mark.parametrize(
    ("security", "environ", "expected"),
    [
        pytest.param(
            "{protocol: SASL_SSL, username: me}",
            {},
            "kontaktpuls.yaml:2: security: `protocol: SASL_SSL` needs a password; write "
            "`password_file`, or set `KONTAKTPULS_KAFKA_PASSWORD` or "
            "`KONTAKTPULS_KAFKA_PASSWORD_FILE`",
            id="SASL without a password",
        ),
        pytest.param(
            "{protocol: SASL_SSL}",
            {"KAFKA_PASSWORD": "x"},
            "kontaktpuls.yaml:2: security.username: is missing; `protocol: SASL_SSL` needs one, "
            "e.g. `username: kontaktpuls`",
            id="SASL without a user",
        ),
        pytest.param(
            "{protocol: SASL_PLAINTEXT, username: me}",
            {"KAFKA_PASSWORD": "x"},
            "kontaktpuls.yaml:2: security.protocol: `SASL_PLAINTEXT` sends the password over the "
            "network as it is; write `SASL_SSL`",
            id="SASL without TLS",
        ),
        pytest.param(
            "{protocol: SSL, mechanism: PLAIN}",
            {},
            "kontaktpuls.yaml:2: security.mechanism: has no effect with the protocol `SSL`; write "
            "`protocol: SASL_SSL` or take it out",
            id="a mechanism nobody uses",
        ),
        pytest.param(
            "{protocol: SSL}",
            {"KAFKA_PASSWORD": "x"},
            "environment: KONTAKTPULS_KAFKA_PASSWORD: has no effect with the protocol `SSL`; "
            "write `protocol: SASL_SSL` or unset it",
            id="a password nobody uses",
        ),
        pytest.param(
            "{protocol: PLAINTEXT, ca_file: ca.pem}",
            {},
            "kontaktpuls.yaml:2: security.ca_file: has no effect with the protocol `PLAINTEXT`; "
            "write `protocol: SSL` or take it out",
            id="certificates nobody checks",
        ),
        pytest.param(
            "{protocol: SSL, ca_file: ca.pem}",
            {},
            "kontaktpuls.yaml:2: security.ca_file: `{folder}/ca.pem` is no file; write the name "
            "of one with certificates",
            id="certificates that are not there",
        ),
        pytest.param(
            "{protocol: SASL_SSL, username: me, password_file: none}",
            {},
            "kontaktpuls.yaml:2: security.password_file: `{folder}/none` cannot be read (No such "
            "file or directory); write the name of a file that can",
            id="a password file that is not there",
        ),
        pytest.param(
            "{protocol: SASL_SSL, username: me, password_file: empty}",
            {},
            "kontaktpuls.yaml:2: security.password_file: `{folder}/empty` is empty; write the "
            "password into it",
            id="a password file that is empty",
        ),
        pytest.param(
            "{protocol: SASL_SSL, username: me}",
            {"KAFKA_PASSWORD": "x", "KAFKA_PASSWORD_FILE": "/dev/null"},
            "environment: KONTAKTPULS_KAFKA_PASSWORD: `KONTAKTPULS_KAFKA_PASSWORD_FILE` is set "
            "too; keep one of them",
            id="a password twice",
        ),
    ],
)
def test_a_half_secured_connection_is_refused(
    tmp_path: Path, security: str, environ: dict[str, str], expected: str
) -> None:
    """Nothing falls back to plain text, and no secret is silently left unused."""
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    found = problems(folder(tmp_path, f"{CLUSTER}security: {security}\n"), **environ)

    assert found == [expected.replace("{folder}", str(tmp_path))]


def test_no_secret_is_repeated_in_a_problem(tmp_path: Path) -> None:
    """A refused password does not end up in a log."""
    cluster = (
        f"{CLUSTER}security: {{password: hunter2}}\nredis: {{url: 'redis://:hunter2@cache'}}\n"
    )
    found = "\n".join(problems(folder(tmp_path, cluster), REDIS_URL="http://:hunter2@cache"))

    assert "security.password: secrets do not belong in this file" in found
    assert "KONTAKTPULS_REDIS_URL: is no Redis address" in found
    assert "hunter2" not in found


def test_a_redis_password_given_twice_is_refused(tmp_path: Path) -> None:
    """Which of two passwords holds is not guessed."""
    twice = {"REDIS_URL": "redis://:a@cache", "REDIS_PASSWORD": "b"}
    (found,) = problems(folder(tmp_path), **twice)

    assert found == (
        "environment: KONTAKTPULS_REDIS_URL: holds a password, and there is another one; keep "
        "`KONTAKTPULS_REDIS_PASSWORD` only"
    )


def test_a_folder_that_is_not_there_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    """A slip in `--config` is answered with what is missing where."""
    cluster, organisations = problems(tmp_path / "conf")

    assert cluster == "kontaktpuls.yaml:1: (file): is missing; write it"
    assert organisations == (
        "organisations:1: (file): cannot be read (No such file or directory); make the folder, "
        "with a file for each organisation"
    )


def test_a_folder_without_organisations_is_refused(tmp_path: Path) -> None:
    """A worker that measures nobody would look as if all were well."""
    (folder(tmp_path) / "organisations" / "orust.yaml").rename(tmp_path / "organisations/.o.yaml")

    assert problems(tmp_path) == [
        "organisations:1: (file): holds no organisation; write `NAME.yaml` for one at least"
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"# Orust\ndisplay_name: V\xe4xel\n", "is not UTF-8 text; save it as UTF-8"),
        (b"# Orust\ndisplay_name: Orust\x07\n", "holds the control character U+0007; take it out"),
    ],
    ids=["Latin-1", "a control character"],
)
def test_text_that_cannot_be_read_is_located(tmp_path: Path, content: bytes, expected: str) -> None:
    """An editor's wrong encoding is found by its line."""
    (folder(tmp_path) / "organisations" / "orust.yaml").write_bytes(content)

    assert problems(tmp_path) == [f"organisations/orust.yaml:2: (file): {expected}"]


def test_a_folder_in_the_place_of_a_file_is_a_problem(tmp_path: Path) -> None:
    """What a failed mount leaves behind is told apart from a file that is missing."""
    (folder(tmp_path) / "organisations" / "skara.yaml").mkdir()

    (found,) = problems(tmp_path)

    assert found == (
        "organisations/skara.yaml:1: (file): cannot be read (Is a directory); make it a file that "
        "the worker may read"
    )


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ("brokers: []", "brokers: is empty; write at least one broker"),
        ("brokers: ','", "brokers: an empty text is no broker; write host and port, e.g."),
        (f"{CLUSTER}web: {{host: 999.0.0.1}}", "web.host: `999.0.0.1` is no address; write e.g."),
        (f"{CLUSTER}redis: {{url: 'redis://[::1'}}", "redis.url: is no Redis address; write e.g."),
        (f"{CLUSTER}redis: {{url: 'unix://a'}}", "redis.url: is no Redis address; write e.g."),
        (
            f"{CLUSTER}links: {{boards: 'a b'}}",
            "links.boards: `a b` is no address to link to; write",
        ),
        (f"{CLUSTER}links: {{runbooks: /}}", "links.runbooks: `/` is no address to link to; write"),
        (f"{CLUSTER}data_dir: ' '", "data_dir: an empty text is no file name; write e.g."),
    ],
)
def test_an_address_nobody_could_reach_is_refused(
    tmp_path: Path, cluster: str, expected: str
) -> None:
    """A slip in an address is found before the worker waits for an answer from it."""
    found = problems(folder(tmp_path, cluster))

    assert f": {expected}" in found[0]


@pytest.mark.parametrize("host", ["localhost", "::", "10.0.0.7", "metrics-1.example.org"])
def test_a_host_is_an_address_or_a_name(tmp_path: Path, host: str) -> None:
    """Names and both kinds of addresses can be listened on."""
    assert load(folder(tmp_path), WEB_HOST=host).cluster.web_host == host


def test_a_broken_address_in_the_environment_is_a_problem(tmp_path: Path) -> None:
    """An address that cannot be taken apart has no password to hide either."""
    (found,) = problems(folder(tmp_path), REDIS_URL="redis://[::1")

    assert found.startswith("environment: KONTAKTPULS_REDIS_URL: is no Redis address; write e.g.")


def test_a_variable_does_not_mend_a_section_of_the_wrong_kind(tmp_path: Path) -> None:
    """The file's own problem is told, not hidden by what the environment adds to it."""
    found = problems(folder(tmp_path, f"{CLUSTER}web: 9464\n"), WEB_PORT="9464")

    assert found == [
        "kontaktpuls.yaml:2: web: `9464` is not a mapping; write `key: value` lines under it"
    ]


def test_what_pydantic_alone_refuses_is_told_in_its_words() -> None:
    """A refusal that has no words of ours yet still says where, what and an example."""

    class Parcel(BaseModel):
        size: float = Field(gt=1, examples=["2.5"])
        tags: list[Annotated[str, Field(max_length=2)]] = []

    document = read_document("size: 1\ntags: [abc]\n", "parcel.yaml")
    with pytest.raises(ValidationError) as caught:
        Parcel.model_validate(document.value)
    size, tag = (str(problem) for problem in problems_of(caught.value, document, Parcel))

    assert size == (
        "parcel.yaml:1: size: `1` is refused: Input should be greater than 1; "
        "write e.g. `size: 2.5`"
    )
    assert tag == (
        "parcel.yaml:2: tags[0]: `abc` is refused: String should have at most 2 characters; "
        "write one"
    )


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    """Editors on Windows put one in front."""
    (folder(tmp_path) / "organisations" / "orust.yaml").write_bytes(
        b"\xef\xbb\xbf" + ORGANISATION.encode()
    )

    assert load(tmp_path).organisations["orust"].sv == "Orust"


def test_a_file_of_absurd_length_is_refused(tmp_path: Path) -> None:
    """A log file saved under the wrong name does not occupy the parser for minutes."""
    (tmp_path / "organisations").mkdir()
    (tmp_path / "kontaktpuls.yaml").write_text(CLUSTER + "#" * 1_000_000, encoding="utf-8")
    (tmp_path / "organisations" / "orust.yaml").write_text(ORGANISATION, encoding="utf-8")

    assert problems(tmp_path) == [
        "kontaktpuls.yaml:1: (file): is longer than 1,000,000 characters; split it up"
    ]
