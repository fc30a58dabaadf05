"""UWS 1.1 jobs: model, rules, store, XML, routes, dispatchers."""
