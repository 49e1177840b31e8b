"""One module for each group of pages; a view takes a request and gives a reply."""
