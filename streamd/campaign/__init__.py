"""The campaign around the broadcasts: who stands in which order, and why."""
