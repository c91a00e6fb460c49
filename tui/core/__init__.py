"""Plain typed data and arithmetic: no I/O, no Textual, no SDK."""
