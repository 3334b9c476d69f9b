"""Recordings: every broadcast's segments kept as they were served, a VOD after its end."""
