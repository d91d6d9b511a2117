"""The page of a day: what ran, what came out, how good it is, and the pins and queries themselves."""
