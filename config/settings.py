"""Settings of a site: `nashira.toml` in the site folder, overridden by `NASHIRA_…` environment variables."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .errors import SettingsError
from .language import EXTENSIONS


class Part(BaseModel):
    """A section of the settings file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Service(Part):
    """[service]: what the world sees."""

    base_url: str = Field("http://127.0.0.1:8000", description="Public URL of the server, without a trailing slash.")
    title: str = Field("Nashira", description="Name of the service on its pages.")
    publisher: str = Field("", description="Who publishes: an institution or a person.")
    contact: str = Field("", description="E-mail address for questions.")
    authority: str = Field("example.org", description="IVOA authority id, the part after ivo://.")
    trust_proxy: bool = Field(False, description="Honour X-Forwarded-* headers of a reverse proxy.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    compress: bool = Field(
        True, description="Compress answers for clients that ask (gzip, zstd); false where a proxy does it."
    )
    processes: int = Field(1, ge=1, le=64, description="Server processes behind one port.")
    stop_seconds: int = Field(1, ge=0, description="Time for open requests to end when the server is stopped.")
    log_level: Literal["debug", "info", "warning"] = Field(
        "info", description="What goes to the log; debug: also queries and other texts of users."
    )


class Limits(Part):
    """[limits]: what one request may cost."""

    maxrec_default: int = Field(20_000, ge=0, description="Rows of a result where the request has no MAXREC.")
    maxrec_hard: int = Field(100_000_000, ge=1, description="Most rows a result can have; larger MAXREC are lowered.")
    sync_seconds: float = Field(60, gt=0, description="Longest time a sync query may run.")
    async_seconds: float = Field(3600, gt=0, description="Execution duration of a new job.")
    async_seconds_hard: float = Field(86_400, gt=0, description="Longest execution duration a job may ask for.")
    retention_seconds: float = Field(604_800, gt=0, description="Time until a new job and its result are destroyed.")
    retention_seconds_hard: float = Field(2_592_000, gt=0, description="Longest retention a job may ask for.")
    result_bytes: int = Field(20_000_000_000, gt=0, description="Most bytes of a job's result.")
    upload_bytes: int = Field(100_000_000, gt=0, description="Most bytes of one request body or fetched upload.")
    upload_rows: int = Field(1_000_000, gt=0, description="Most rows of one uploaded table.")
    upload_tables: int = Field(10, gt=0, description="Most tables uploaded with one query.")
    upload_seconds: float = Field(60, gt=0, description="Longest time to fetch an upload by URL.")
    upload_private_hosts: bool = Field(False, description="Fetch uploads from private and loopback addresses (tests).")
    requests_per_minute: int = Field(
        0, ge=0, description="Most requests of one address a minute on average, each process; beyond, 429. 0: any."
    )
    sync_becomes_job: bool = Field(
        False, description="Run a sync query that is over its time limit as a job, whose URL the answer gives."
    )
    query_chars: int = Field(1_000_000, gt=0, description="Longest query text.")


class Engine(Part):
    """[engine]: where queries run."""

    url: str = Field(
        "",
        repr=False,  # it may hold a password
        description="PostgreSQL database of the tables, for a role that may only read; empty: the embedded engine.",
    )
    admin_url: str = Field(
        "",
        repr=False,
        description="The same database for a role that owns what `nashira publish` makes; servers do not need it.",
    )
    pool: int = Field(20, ge=1, description="Most connections of a server process to the database of `url`.")
    data_schema: str = Field(
        "nashira_data",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="Schema of the database that loaded tables go to.",
    )
    sky_index: Literal["best", "q3c", "pgsphere", "healpix"] = Field(
        "best", description="Index of positions that loaded tables get beside `_healpix_29`; best: q3c, else pgsphere."
    )
    threads: int = Field(2, ge=1, description="Threads of the embedded engine for all queries together.")
    memory_mb: int = Field(1024, ge=64, description="Memory limit of the embedded engine.")
    temp_mb: int = Field(10_240, ge=0, description="Temporary disk space of the embedded engine.")
    sync_slots: int = Field(16, ge=1, description="Sync queries that run at the same time; the next wait.")


class Jobs(Part):
    """[jobs]: asynchronous work."""

    database: str = Field(
        "", repr=False, description="SQLAlchemy URL of the job store; empty: SQLite in var/jobs.sqlite."
    )
    broker: str = Field(
        "",
        repr=False,
        pattern=r"^$|^rediss?://|^redis\+socket://|^unix://",
        description="Redis URL; jobs then run in processes of `nashira worker`. Empty: on threads of the server.",
    )
    workers: int = Field(4, ge=0, description="Job threads of a server process; with a broker, of a worker.")
    results: str = Field(
        "", repr=False, description="URL that fsspec writes to (s3://…), for results of jobs; empty: var/results."
    )
    lease_seconds: float = Field(30, gt=0, description="A worker silent for longer than this has lost its job.")
    tries: int = Field(3, ge=1, description="Times a job is started before it is given up.")
    short_seconds: float = Field(60, gt=0, description="A job that runs longer is a long one.")
    long_workers: int = Field(0, ge=0, description="Job threads that long jobs may take; 0: half of them.")
    queued_limit: int = Field(10_000, ge=1, description="Most queued jobs; beyond, the service answers 503.")
    running_limit: int = Field(0, ge=0, description="Most running jobs of all processes together; 0: no limit.")
    user_queued: int = Field(1000, ge=0, description="Most queued jobs of one user or address; 0: no limit.")
    user_running: int = Field(0, ge=0, description="Most running jobs of one user or address; 0: no limit.")
    list_anonymous: bool = Field(
        True, description="List jobs of anonymous users to everybody; false: only who knows a job's URL reaches it."
    )


class Language(Part):
    """[adql]: the query language."""

    extensions: tuple[str, ...] = Field(
        EXTENSIONS, description="Extensions of ADQL that are understood; take out those that are not wanted."
    )
    catalog: str = Field("", description="Name that may stand before schemas in queries; empty: none may.")
    name_service: str = Field(
        "",
        pattern=r"^(https?://.*\{name\}.*)?$",
        description="URL that answers for ivo_simbadpoint, with {name} in it, such as that of CDS Sesame with -oI; "
        "empty: names of objects are not looked up.",
    )
    name_seconds: float = Field(5, gt=0, description="Longest time to wait for the name service.")

    @field_validator("extensions")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in EXTENSIONS]
        if unknown:
            message = f"{unknown[0]} is none of {', '.join(EXTENSIONS)}"
            raise ValueError(message)
        return names


class Settings(BaseSettings):
    """All settings of a site."""

    model_config = SettingsConfigDict(
        env_prefix="NASHIRA_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    service: Service = Field(default_factory=Service)
    limits: Limits = Field(default_factory=Limits)
    engine: Engine = Field(default_factory=Engine)
    jobs: Jobs = Field(default_factory=Jobs)
    adql: Language = Field(default_factory=Language)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the file's values (handed over as init arguments)."""
        return env_settings, init_settings


def load_settings(site: Path) -> Settings:
    """Read the settings of the site folder `site`; SettingsError names the key and the reason."""
    path = site / "nashira.toml"
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        message = f"{site} is no site folder: it has no nashira.toml (make one with `nashira init`)"
        raise SettingsError(message) from None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise SettingsError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is no text in UTF-8: {error.reason} in byte {error.start}"
        raise SettingsError(message) from error
    except tomllib.TOMLDecodeError as error:
        message = f"nashira.toml: {error}"
        raise SettingsError(message) from error
    try:
        return Settings(**values)
    except ValidationError as error:
        faults = "; ".join(_fault(tuple(map(str, e["loc"])), e["type"], e["msg"]) for e in error.errors())
        message = f"nashira.toml or a NASHIRA_ variable: {faults}"
        raise SettingsError(message) from error


def _fault(place: tuple[str, ...], kind: str, message: str) -> str:
    """Say what is wrong with a key; one that does not exist may be one that does, misspelt."""
    name = ".".join(place)
    if kind != "extra_forbidden":
        return f"{name}: {message[:1].lower()}{message[1:]}"
    section = Settings.model_fields.get(place[0]) if len(place) > 1 else None
    model = Settings if section is None else section.annotation
    near = get_close_matches(place[-1], getattr(model, "model_fields", ()), 1)
    return f"{name}: there is no such setting" + (f" (did you mean {near[0]}?)" if near else "")
