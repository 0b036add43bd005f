"""Fetches finished models from the node and keeps them where their owners can download them."""
