"""The commands of a PyGrid host: its secrets, its backups, and their restore."""
