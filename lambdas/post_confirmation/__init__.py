"""Gives every account of the user pool its row in the table of users."""
