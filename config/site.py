"""The site folder: one place for settings, descriptors, data and work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import SettingsError
from .loading import load_settings
from .settings import Settings


@dataclass(frozen=True, slots=True)
class SiteFolder:
    """Paths of a site and its settings."""

    root: Path
    settings: Settings

    @property
    def datasets(self) -> Path:
        """Descriptors, one YAML file a schema."""
        return self.root / "datasets"

    @property
    def store(self) -> Path:
        """Published tables."""
        return self.root / "store"

    @property
    def vocabularies(self) -> Path:
        """IVOA vocabularies in desise, for gavo_vocmatch; the folder may be absent."""
        return self.root / "vocabularies"

    @property
    def var(self) -> Path:
        """Jobs, results, uploads and temporary files."""
        return self.root / "var"

    @property
    def results(self) -> Path:
        """Results of jobs, a folder a job."""
        return self.var / "results"

    @property
    def temp(self) -> Path:
        """Temporary files of engine and uploads."""
        return self.var / "tmp"

    @property
    def jobs_database(self) -> str:
        """SQLAlchemy URL of the job store."""
        return self.settings.jobs.database or f"sqlite:///{self.var / 'jobs.sqlite'}"


def open_site(root: Path) -> SiteFolder:
    """Open the site folder `root`, making the folders a server writes to; SettingsError where it is none."""
    site = SiteFolder(root.resolve(), load_settings(root))
    for folder in (site.datasets, site.store, site.results, site.temp):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"the folder {folder} cannot be made: {error.strerror}"
            raise SettingsError(message) from error
    return site
