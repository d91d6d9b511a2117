"""Jobs of the joint space of queries, pins and products: what its network reads, learns from, and the vectors that it makes."""
