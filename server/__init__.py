"""The app put together, the command line, the demo sky."""
