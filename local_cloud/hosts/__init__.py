"""The hosts of EC2 instances: systemd containers that podman runs on this machine.

The emulator starts and ends them itself. Made here is what it needs for that: an image to start
them from, a network whose gateway it listens on, an SSH key, and podman's API.
"""
