"""Reports of a run for other programs and for people: JUnit XML, lines of JSON, and a page."""
