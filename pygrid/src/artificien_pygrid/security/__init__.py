"""Who may do what: bearer tokens, networks, workers' tokens, and limits."""
