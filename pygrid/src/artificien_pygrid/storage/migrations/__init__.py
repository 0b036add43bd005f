"""The schema's history; ``migrate`` brings a database to a revision."""
