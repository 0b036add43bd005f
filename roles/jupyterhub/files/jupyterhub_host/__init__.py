"""What runs on the host of JupyterHub: the hub's own code, and the commands around it."""
