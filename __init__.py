"""Nashira publishes catalogues and images to the Virtual Observatory."""

__version__ = "0.1.0"
