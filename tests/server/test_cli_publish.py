"""The command line: it teaches, it says what it did, and errors are one line."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from nashira import __version__
from nashira.config.errors import SettingsError
from nashira.config.loading import load_settings
from nashira.config.settings import Settings
from nashira.server.cli import app, main
from nashira.server.console import ConsoleReport
from nashira.server.template import settings_text

runner = CliRunner()


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NASHIRA_SITE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    assert runner.invoke(app, ["init", str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def stars(tmp_path: Path) -> Path:
    path = tmp_path / "stars.csv"
    path.write_text("ra,dec,B-V\n10.5,20.5,0.1\n11.5,21.5,\n")
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run as the installed script does and give the exit code."""
    monkeypatch.setattr(sys, "argv", ["nashira", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_the_settings_file_shows_every_setting_at_its_default(tmp_path: Path) -> None:
    opened = re.sub(r"^# (\w+ = )", r"\1", settings_text(), flags=re.M)
    values = tomllib.loads(opened)
    default = Settings()
    assert set(values) == set(Settings.model_fields)
    for section, keys in values.items():
        assert keys == getattr(default, section).model_dump(mode="json"), section
    (tmp_path / "nashira.toml").write_text(settings_text())
    assert load_settings(tmp_path) == default


def test_a_site_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "site"
    assert run(monkeypatch, "init", str(folder)) == 0
    assert {path.name for path in folder.iterdir()} == {"nashira.toml", "datasets", "store", "var"}
    assert "nashira publish" in capsys.readouterr().out
    assert run(monkeypatch, "init", str(folder)) == 1
    assert "is a site already" in capsys.readouterr().err


def test_the_version_is_told() -> None:
    assert runner.invoke(app, ["--version"]).stdout == f"nashira {__version__}\n"


def test_errors_of_the_system_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/store/a")

    monkeypatch.setattr("nashira.config.site.open_site", full)
    assert run(monkeypatch, "check") == 1
    assert capsys.readouterr().err == "error: /store/a: No space left on device\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[service]\ntitel = 'x'", "service.titel: there is no such setting (did you mean title?)"),
        ("[serv]\ntitle = 'x'", "serv: there is no such setting (did you mean service?)"),
        ("[limits]\nwhatever = 1", "limits.whatever: there is no such setting"),
        ("[service]\nport = 'x'", "service.port: input should be a valid integer"),
        (b"\xff", "is no text in UTF-8"),
    ],
)
def test_a_typo_in_the_settings_is_told(tmp_path: Path, text: str | bytes, reason: str) -> None:
    (tmp_path / "nashira.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError, match=re.escape(reason)):
        load_settings(tmp_path)


def test_the_descriptor_is_named_when_it_is_new(site: Path, stars: Path) -> None:
    told = runner.invoke(app, ["publish", str(stars), "--site", str(site), "--table", "my.stars"]).stdout
    assert "my.yaml" in told
    assert f"run nashira publish --site {site}" in told
    assert "my.yaml" not in runner.invoke(app, ["publish", "--site", str(site)]).stdout


def test_publish_says_what_was_done(site: Path, stars: Path) -> None:
    done = runner.invoke(app, ["publish", str(stars), "--site", str(site), "--table", "my.stars"])
    assert done.exit_code == 0, done.output
    assert "my.stars: position found by name: ra, dec" in done.stderr
    assert "my.stars: 2 rows in 1 file" in done.stdout
    again = runner.invoke(app, ["publish", "--site", str(site)])
    assert "my.stars: nothing has changed" in again.stdout


def test_the_site_comes_from_option_environment_or_folder(
    site: Path, stars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASHIRA_SITE", str(site))
    assert "stars.main" in runner.invoke(app, ["publish", str(stars)]).stdout
    monkeypatch.delenv("NASHIRA_SITE")
    monkeypatch.chdir(site)
    assert "stars.main" in runner.invoke(app, ["publish"]).stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["publish", "{stars}", "--site", "{tmp}/none"], "is no site folder"),
        (["publish", "{tmp}/[nowhere].fits", "--site", "{site}"], "[nowhere].fits: there is no such file"),
        (["publish", "{stars}", "--site", "{site}", "--table", "ivoa.obscore"], "Virtual Observatory"),
        (["check", "--site", "{tmp}/none"], "nashira init"),
        (["check", "--site", "{stars}"], "is no site folder"),
        (["init", "{stars}"], "is a file; choose another name"),
        (["init", "{stars}/below"], "cannot be made a site"),
        (["demo", "{stars}"], "is a file; choose another name"),
        (["publish", "--site", "{site}", "--table", "a.b"], "give the file too"),
        (["publish", "{stars}", "--site", "{site}", "--table", ""], "say it as schema.name"),
        (["publish", "{stars}", "--site", "{site}", "--table", "a.b.c"], "say it as schema.name"),
        (["publish", "{tmp}", "--site", "{site}"], "'{tmp}/*.csv'"),
        (["publish", "{site}", "--site", "{site}"], "it holds no tables either"),
        (["publish", "{prose}", "--site", "{site}"], "text for people is no table"),
    ],
)
def test_errors_are_one_line_without_a_traceback(
    site: Path,
    stars: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    prose = tmp_path / "prose.text"
    prose.write_text("Dear reader of this file\nthere are no stars here\n")
    given = [one.format(site=site, stars=stars, tmp=tmp_path, prose=prose) for one in arguments]
    reason = reason.format(tmp=tmp_path)
    assert run(monkeypatch, *given) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert reason in told
    assert told.count("\n") == 1
    assert "Traceback" not in told


def test_check_fails_only_on_errors(site: Path, stars: Path) -> None:
    runner.invoke(app, ["publish", str(stars), "--site", str(site)])
    good = runner.invoke(app, ["check", "--site", str(site)])
    assert good.exit_code == 0
    assert "warning stars.main: it has no description" in good.stdout
    (site / "datasets" / "stars.yaml").write_text("schema: [")
    bad = runner.invoke(app, ["check", "--site", str(site)])
    assert bad.exit_code == 1
    assert "1 error" in bad.stdout


@pytest.mark.parametrize("command", ["init", "publish", "check", "serve", "worker", "demo"])
def test_every_command_teaches_by_an_example(command: str) -> None:
    told = runner.invoke(app, [command, "--help"])
    assert told.exit_code == 0
    assert f"nashira {command}" in told.stdout


@pytest.mark.parametrize("module", ["server.serve", "ingest.publish"])
def test_astropy_waits_until_it_is_needed(module: str) -> None:
    """Its import takes as long as everything else together."""
    code = f"import sys, nashira.{module}; print('astropy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, nashira.server.cli; "
        "print([m for m in ('astropy', 'duckdb', 'pyarrow', 'numpy', 'sqlalchemy', 'starlette') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_told_with_and_without_a_terminal(terminal: bool, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+") as file:
        console = Console(file=file, force_terminal=terminal, width=120)
        with ConsoleReport(console) as report:
            report.begin("s.t", 10)
            report.advance(10)
            report.warn("[odd] :m: text")
            report.end()
            report.end()
        file.seek(0)
        told = file.read()
    assert "[odd]" in told
    assert ("\x1b[" in told) is terminal
