"""`python -m practice`: where you stand. Needs nothing but the standard library."""
