"""What the services of a host need of AWS: secrets, backups and metrics."""
