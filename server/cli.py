"""The command line: `nashira init`, `publish`, `check`, `serve`, `worker`, `demo`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from .. import __version__
from ..config.errors import OperatorError, SettingsError
from .memory import share_memory_between_threads

if TYPE_CHECKING:
    from ..config.site import SiteFolder
    from ..ingest.publish import Published

app = typer.Typer(
    name="nashira",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site",
        envvar="NASHIRA_SITE",
        show_envvar=True,
        help="The site's folder; else the current one.",
        metavar="DIR",
    ),
]


def _version(asked: bool) -> None:
    if asked:
        _say(f"nashira {__version__}")
        raise typer.Exit


@app.callback()
def start(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say the version and end.")
    ] = False,
) -> None:
    """Publish catalogues to the Virtual Observatory.

    See it work with an invented sky:

      nashira demo

    Publish your own:

      nashira init mysite

      nashira publish --site mysite catalogue.fits

      nashira serve --site mysite
    """


PortOption = Annotated[
    int | None,
    typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen on, 0 for any free one; else the setting."),
]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it may exist.")],
    postgresql: Annotated[
        str,
        typer.Option(metavar="URL", help="Keep tables in this PostgreSQL database; a role for it that may only read."),
    ] = "",
    admin: Annotated[
        str,
        typer.Option(metavar="URL", help="The database for a role that may make tables; it makes what is missing."),
    ] = "",
) -> None:
    """Make a site: a folder with settings, descriptors and data.

    Example: nashira init /data/mysite

    With its tables in PostgreSQL:

      nashira init mysite --postgresql postgresql://nashira_reader@/sky --admin postgresql:///sky
    """
    from ..config.site import open_site
    from .template import settings_text

    settings = folder / "nashira.toml"
    said = {key: url for key, url in (("engine.url", postgresql), ("engine.admin_url", admin)) if url}
    notes = () if settings.exists() else _set_up(postgresql, admin)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with settings.open("x", encoding="utf-8") as file:
            if said:
                settings.chmod(0o600)  # URLs may hold passwords
            file.write(settings_text(said))
        open_site(folder)
    except FileExistsError:
        what = "is a site already" if folder.is_dir() else "is a file; choose another name for the folder"
        message = f"{folder} {what}; nothing was changed"
        raise SettingsError(message) from None
    except OSError as error:
        message = f"{folder} cannot be made a site: {error.strerror}"
        raise SettingsError(message) from error
    for note in notes:
        _say(note)
    _say(f"{folder} is a site now. Publish: nashira publish --site {folder} FILE")
    _say(f"Say who you are in {settings}.")


def _set_up(url: str, admin: str) -> tuple[str, ...]:
    """Make a database ready before anything is written; SettingsError where it cannot be used."""
    if not url and not admin:
        return ()
    if not url:
        message = "--admin goes with --postgresql URL, the role that queries run as"
        raise SettingsError(message)
    from ..config.settings import Engine
    from ..ingest.postgres_setup import set_up

    return set_up(Engine(url=url, admin_url=admin))


@app.command()
def publish(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="FITS, VOTable, CSV, TSV, ECSV, Parquet, HATS folders, a pattern in quotes that joins files, or "
            "postgresql:schema.table for a table that is in the site's database already.",
        ),
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="SCHEMA.NAME", help="The name of the table; else from the file's.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME", help="One schema for all files; else one for each file.")
    ] = None,
    site: SiteOption = None,
) -> None:
    """Publish files or tables of the site's database, or take over edits of the descriptors.

    As hip_main.main, or by a name of your choice:

      nashira publish hip_main.fits

      nashira publish hip_main.fits --table hip.stars

    Many files as one table:

      nashira publish 'parts/*.parquet' --table survey.objects

    As project.a and project.b:

      nashira publish a.vot b.vot --schema project

    A table of the site's PostgreSQL, untouched, or all of a schema:

      nashira publish postgresql:public.main --table hip.main

      nashira publish 'postgresql:public.*' --schema hip

    After editing datasets/*.yaml:

      nashira publish

    A file of several tables becomes several tables, named by their extensions.
    """
    from ..ingest.publish import publish as publish_files
    from .console import ConsoleReport

    folder = _site(site)
    described = set(folder.datasets.glob("*.yaml"))
    with ConsoleReport(Console(stderr=True, emoji=False)) as report:
        done = publish_files(folder, files or (), table=table, schema=schema, report=report)
    for one in done:
        _say(_line(one))
    for path in sorted(set(folder.datasets.glob("*.yaml")) - described):
        again = "nashira publish" if site is None else f"nashira publish --site {site}"
        _say(f"What was found is written to {_near(path)}: edit it, run {again}, and your edits win.")
    if not done:
        _say(f"there is nothing to publish in {folder.datasets}; name files: nashira publish FILE…")


def _line(one: Published) -> str:
    if one.outcome != "published":
        return f"{one.name}: {_OUTCOMES[one.outcome]}"
    speed = f", {one.rows / one.seconds:,.0f} rows/s" if one.seconds > 0.5 else ""
    rows, files = (f"{n:,} {word}{'' if n == 1 else 's'}" for n, word in ((one.rows, "row"), (one.files, "file")))
    return f"{one.name}: {rows} in {files if one.files else 'the database'}, {one.seconds:.1f} s{speed}"


_OUTCOMES = {
    "described": "its metadata were taken over",
    "unchanged": "nothing has changed",
    "withdrawn": "it was taken down",
}


@app.command()
def check(
    site: SiteOption = None,
    sql: Annotated[
        bool, typer.Option("--sql", help="Write the SQL that the site's PostgreSQL database needs, and end.")
    ] = False,
) -> None:
    """Look over settings, descriptors, stored data and metadata; fails where something is wrong.

    Example: nashira check --site mysite
    """
    if sql:
        _write_sql(_site(site))
        return
    from ..ingest.check import check as check_site
    from ..ingest.check import summary
    from ..ingest.finding import Level

    findings = check_site(_site(site))
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    styles = {Level.ERROR: "red", Level.WARNING: "yellow", Level.ADVICE: "cyan"}
    for finding in findings:
        label = f"[{styles[finding.level]}]{finding.level.name.lower()}[/]"
        console.print(f"{label} {escape(finding.where)}: {escape(finding.text)}")
    console.print(summary(findings))
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(1)


def _write_sql(folder: SiteFolder) -> None:
    from ..ingest.postgres_setup import setup_sql

    sys.stdout.write(setup_sql(folder.settings.engine))


@app.command()
def serve(
    site: SiteOption = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="Address to listen on; else the setting.")] = None,
    port: PortOption = None,
    descriptor: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Serve the site over HTTP, with job threads of its own unless workers run the jobs.

    Example: nashira serve --site mysite --host 0.0.0.0 --port 8080
    """
    from .serve import serve as serve_site

    folder = _site(site)
    _allow_many_files()
    announce = None if descriptor is not None else (lambda ready: _say(str(ready)))
    code = serve_site(folder, host, port, announce=announce, descriptor=descriptor)
    if code:
        raise typer.Exit(code)


@app.command()
def worker(
    site: SiteOption = None,
    queue: Annotated[
        list[str] | None, typer.Option("--queue", help="Take jobs of this queue only: short or long; may be repeated.")
    ] = None,
) -> None:
    """Run queued jobs of the site beside its servers; any number of workers may run, on any number of hosts.

    Example: nashira worker --site mysite

    Example: nashira worker --site mysite --queue long
    """
    from ..uws.model import Queue
    from .serve import work

    known = [str(one) for one in Queue]
    if unknown := [name for name in queue or () if name not in known]:
        raise typer.BadParameter(f"there is no queue {unknown[0]}; there are {' and '.join(known)}")
    folder = _site(site)
    _allow_many_files()
    work(folder, tuple(Queue(name) for name in queue or known), announce=_say)


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where the demo site is kept; made where it is missing.")
    ] = Path("nashira-demo"),
    port: PortOption = None,
) -> None:
    """Make a site with an invented sky and serve it: the quickest way to see everything work.

    Example: nashira demo
    """
    from .demo import demo as run_demo

    _allow_many_files()
    run_demo(folder, port)


def _site(site: Path | None) -> SiteFolder:
    from ..config.site import open_site

    return open_site(site or Path.cwd())


def _near(path: Path) -> Path:
    """Say a path from here where that is shorter."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: a reader holds a lock file a table."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say(text: str) -> None:
    Console(soft_wrap=True, emoji=False).print(text, markup=False, highlight=False)


def main() -> None:
    """Run the command line; an operator's error is one red message and exit code 1."""
    share_memory_between_threads()
    try:
        app()
    except OperatorError as error:
        _fail(str(error))
    except BrokenPipeError:  # the reader of our output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))


def _fail(text: str) -> NoReturn:
    console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    console.print(f"[bold red]error:[/] {escape(text)}")
    sys.exit(1)
