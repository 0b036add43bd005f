"""The API's routes about datasets: who bought them, which phones train on them, and their node."""
