"""The file format as data: the parser, the messages and the documentation read the same tables."""
