"""The smoke test: one check after the other of what is deployed, and a table of what came out."""
