"""Wrong settings are refused with the place and the reason; secrets come by file and are never printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nashira.config.errors import SettingsError
from nashira.config.loading import load_settings, variables
from nashira.config.places import line_of
from nashira.config.settings import Settings

SECRET = "postgresql://nashira:hunter2@db/sky"
TEXT = '''# a comment with [limits] and maxrec_hard = 3
[service]   # what the world sees
title = "An observatory = [limits]"
"contact" = "vo@example.org"

[adql]
extensions = [
  # maxrec_hard = 4
  "distance",
]
catalog = """
[limits]
maxrec_hard = 5
"""
[ limits ]
maxrec_hard=-1
sync_seconds = 3
'''


def refused(site: Path, text: str) -> str:
    (site / "nashira.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(site)
    return str(caught.value)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("service",), 2),
        (("service", "title"), 3),
        (("service", "contact"), 4),
        (("adql", "extensions", "0"), 7),
        (("adql", "catalog"), 11),
        (("limits",), 15),
        (("limits", "maxrec_hard"), 16),
        (("limits", "upload_rows"), 15),
        (("engine", "url"), None),
    ],
)
def test_the_line_of_a_key(place: tuple[str, ...], line: int | None) -> None:
    assert line_of(TEXT, place) == line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[limits]\n\nmaxrec_hard = -1\n", "nashira.toml, line 3: limits.maxrec_hard: input should be greater than or"),
        (
            "\n[limits]\nmaxrec_hrd = 1\n",
            "line 3: limits.maxrec_hrd: there is no such setting (did you mean maxrec_hard?)",
        ),
        ("\n\n[limit]\nmaxrec_hard = 1\n", "line 3: limit: there is no such setting (did you mean limits?)"),
        ("limits.maxrec_hard = 0", "line 1: limits.maxrec_hard: input should be"),
        ("limits = 3", "line 1: limits: this is a section, [limits], with keys of its own"),
        ("[limits]\nmaxrec_hard = \n", "nashira.toml: Invalid value (at line 2"),
        ("[engine]\nsky_index = 'q4c'\n", "line 2: engine.sky_index: input should be 'best', 'q3c'"),
        ("[adql]\nextensions = ['distanc']\n", "line 2: adql.extensions: distanc is none of"),
        ("[engine]\nurl_fil = '/x'\n", "line 2: engine.url_fil: there is no such setting (did you mean url_file?)"),
    ],
)
def test_what_is_wrong_in_the_file(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, "[limits]\nmaxrec_hard = 0\n[jobs]\nworkers = -1\n")
    assert "line 2: limits.maxrec_hard" in said
    assert "line 4: jobs.workers" in said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("NASHIRA_LIMIT__MAXREC_HARD", "no such setting (did you mean NASHIRA_LIMITS__MAXREC_HARD?)"),
        ("NASHIRA_LIMITS_MAXREC_HARD", "no such setting (did you mean NASHIRA_LIMITS__MAXREC_HARD?)"),
        ("NASHIRA_LIMITS__MAXREC_HRD", "no such setting (did you mean NASHIRA_LIMITS__MAXREC_HARD?)"),
        (
            "nashira_jobs__brocker",
            "the variable nashira_jobs__brocker: there is no such setting (did you mean NASHIRA_JOBS",
        ),
        ("NASHIRA_WHATEVER", "the variable NASHIRA_WHATEVER: there is no such setting"),
        ("NASHIRA_SERVICE_PORT", "did you mean NASHIRA_SERVICE__PORT?"),
    ],
)
def test_misspelt_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str) -> None:
    monkeypatch.setenv(name, "1")
    assert says in refused(tmp_path, "")


def test_a_variable_that_is_wrong_is_named_instead_of_the_line_it_wins_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASHIRA_LIMITS__MAXREC_HARD", "many")
    said = refused(tmp_path, "[limits]\nmaxrec_hard = 1\n")
    assert said.startswith("the variable NASHIRA_LIMITS__MAXREC_HARD: limits.maxrec_hard: input should be a valid int")
    monkeypatch.setenv("NASHIRA_LIMITS__MAXREC_HARD", "5")
    monkeypatch.setenv("NASHIRA_ADQL__EXTENSIONS", "distance")
    assert "as in JSON" in refused(tmp_path, "")


def test_what_kubernetes_says_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nashira.toml").touch()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    for name in ("NASHIRA_SERVICE_HOST", "NASHIRA_SERVICE_PORT", "NASHIRA_PORT", "NASHIRA_PORT_8000_TCP_ADDR"):
        monkeypatch.setenv(name, "tcp://10.0.0.2:8000")
    assert load_settings(tmp_path).service.port == 8000


def test_every_variable_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nashira.toml").touch()
    assert "NASHIRA_ENGINE__URL_FILE" in variables()
    assert not {one for one in variables() if one.endswith("TITLE_FILE")}
    monkeypatch.setenv("NASHIRA_SITE", str(tmp_path))
    monkeypatch.setenv("NASHIRA_SERVICE__TITLE", "From outside")
    assert load_settings(tmp_path).service.title == "From outside"


# Secrets


@pytest.mark.parametrize("key", ["engine.url", "engine.admin_url", "jobs.database", "jobs.broker", "jobs.results"])
@pytest.mark.parametrize("how", ["file", "variable"])
def test_a_secret_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, how: str) -> None:
    value = "redis://:hunter2@queue/0" if key == "jobs.broker" else SECRET
    secret = tmp_path / "secret"
    secret.write_text(f"{value}\n")
    section, name = key.split(".")
    (tmp_path / "nashira.toml").write_text(f'{key}_file = "{secret}"\n' if how == "file" else "")
    if how == "variable":
        monkeypatch.setenv(f"NASHIRA_{section}__{name}_FILE".upper(), str(secret))
    made = load_settings(tmp_path)
    assert getattr(getattr(made, section), name) == value
    assert "hunter2" not in repr(made) + str(made)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[engine]\nurl_file = "/nowhere/at/all"',
            "line 1: engine: url_file: the file /nowhere/at/all cannot be read: No such",
        ),
        ('[engine]\nurl_file = "secret"', "url_file must be the absolute path of a file"),
        ("[engine]\nurl_file = 3", "url_file must be the absolute path of a file"),
        (f'[engine]\nurl = "{SECRET}"\nurl_file = "/x"', "url and url_file are both set; leave one of them out"),
        ('[service]\ntitle_file = "/x"', "line 2: service.title_file: there is no such setting"),
        ('[jobs]\nbroker = "amqp://hunter2@host"', "line 2: jobs.broker: string should match"),
        ("[jobs]\nbroker = ['hunter2']", "line 2: jobs.broker: input should be a valid string"),
    ],
)
def test_faults_with_secrets_never_repeat_them(tmp_path: Path, text: str, says: str) -> None:
    said = refused(tmp_path, text)
    assert says in said
    assert "hunter2" not in said


def test_a_server_that_is_told_nonsense_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "nashira.toml").write_text(f'[engine]\nurl = "{SECRET}"\npool = 0\n')
    command = [sys.executable, "-m", "nashira", "serve", "--site", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "nashira.toml, line 3: engine.pool: input should be" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_errors_of_the_model_hide_what_they_were_given() -> None:
    with pytest.raises(ValueError, match="broker") as caught:
        Settings(jobs={"broker": "amqp://hunter2@host"})
    assert "hunter2" not in str(caught.value)
