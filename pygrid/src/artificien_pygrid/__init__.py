"""A node for federated learning that speaks PyGrid's model-centric protocol."""
