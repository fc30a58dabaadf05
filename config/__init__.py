"""Settings, the site folder and the tree of errors."""
