"""Regions of the sky, HEALPix coverage, exact tests on the sphere."""
