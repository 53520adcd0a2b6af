"""A training run or a sweep on disk: its one reader and writer."""
