"""The applications that ``frameworks.py`` measures: one view behind a sign-in, each in the way of its framework."""
