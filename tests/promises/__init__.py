"""What is promised of kills, writers, hostile input and privacy, by number: a part in the suite, all of it by `make release-check`."""
