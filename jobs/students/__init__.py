"""Students: what they read of queries, entities and pairs, what they are trained on, and how."""
