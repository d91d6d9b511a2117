"""Images from strangers: what their headers say and their pixels, in processes that can be killed."""
