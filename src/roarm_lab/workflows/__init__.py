"""Use cases, each a function of a request and a front end: what a person can ask for, whoever asks."""
