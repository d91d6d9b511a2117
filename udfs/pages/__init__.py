"""What a crawled page says about itself: bytes to title, description, main text and language, in processes that can be killed."""
