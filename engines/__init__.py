"""Where rows live: SQL in, Arrow batches out."""
