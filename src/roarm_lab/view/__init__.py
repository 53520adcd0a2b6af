"""Pages to look at: reports and pictures."""
