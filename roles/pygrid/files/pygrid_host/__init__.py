"""The commands of a PyGrid host: backups of its database, and their restore."""
