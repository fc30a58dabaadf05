"""ADQL: text → tokens → tree → resolved tree → SQL for one engine. Pure: no I/O."""
