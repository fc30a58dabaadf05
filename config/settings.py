"""Settings of a site: `nashira.toml` in the site folder, overridden by `NASHIRA_…` environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .language import EXTENSIONS

PREFIX = "NASHIRA_"
"""What the names of environment variables begin with."""
FILE = "_file"
"""Added to the name of a secret setting: the file that holds its value."""
_SECRET_BYTES = 10_000


class Part(BaseModel):
    """A section of the settings file; unknown keys are refused.

    A field without `repr` is a secret: it is never printed, and `<field>_file` may name a file that holds it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def secrets(cls) -> tuple[str, ...]:
        """Name the secret fields."""
        return tuple(name for name, field in cls.model_fields.items() if not field.repr)

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, values: Any) -> Any:
        """Read the secrets that are given by file."""
        if not isinstance(values, dict):
            return values
        given = {name: values[name + FILE] for name in cls.secrets() if name + FILE in values}
        rest = {name: value for name, value in values.items() if name.removesuffix(FILE) not in given}
        for name in given:
            if name in values:
                message = f"{name} and {name}{FILE} are both set; leave one of them out"
                raise ValueError(message)
        return rest | {name: _secret(name, path) for name, path in given.items()}


def _secret(name: str, path: object) -> str:
    """Read a secret: the first line of a file, without the end of the line."""
    if not isinstance(path, str) or not Path(path).is_absolute():
        message = f"{name}{FILE} must be the absolute path of a file"
        raise ValueError(message)
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.readline(_SECRET_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        message = f"{name}{FILE}: the file {path} cannot be read: {reason}"
        raise ValueError(message) from None


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
    sync_slots_client: int = Field(
        0, ge=0, description="The same for one user or address, so that others find a place; 0: half of `sync_slots`."
    )


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
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
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
