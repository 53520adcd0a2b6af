"""One file, one task, and the table of them."""
