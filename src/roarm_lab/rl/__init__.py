"""One adapter per trainer, one run folder for all of them."""
