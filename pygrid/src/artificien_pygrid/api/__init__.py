"""The node's HTTP routes and WebSocket messages."""
