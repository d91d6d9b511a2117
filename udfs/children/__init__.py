"""Reading what strangers made (pages, images) in child processes that can be killed: C code cannot be interrupted by anything less."""
