"""Files of all kinds → store and descriptor."""
