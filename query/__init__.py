"""The one door to rows."""
