"""Revisions of the job database; `uws.revisions` brings a database to the newest."""
