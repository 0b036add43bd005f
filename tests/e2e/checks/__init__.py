"""Checks of what is deployed, each named after the one of Prowler or cdk-nag that it follows."""
