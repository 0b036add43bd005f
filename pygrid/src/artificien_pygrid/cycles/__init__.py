"""The life of hosted models: who takes part in a cycle, what counts, and when it closes."""
