"""Who passed the portal's own sign-in: one protocol, one module for each mechanism."""
