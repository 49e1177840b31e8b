"""Sealed credentials: clients hold the portal's cookies encrypted, never in a form that the portal accepts."""
