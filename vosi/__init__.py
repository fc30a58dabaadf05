"""VOSI 1.1: capabilities, tables, availability."""
