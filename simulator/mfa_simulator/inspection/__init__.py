"""Looks into a story at one of its lines: why a step came to what it did, and the world at that moment in a browser."""
