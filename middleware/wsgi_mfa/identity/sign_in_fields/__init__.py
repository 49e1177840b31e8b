"""Fields by which a portal signs users in, watched wherever they are sent to."""
