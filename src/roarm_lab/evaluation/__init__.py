"""How often does it work, and why not: episodes, intervals, failure reasons."""
