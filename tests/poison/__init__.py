"""What strangers send, made from a seed: malformed images, pages and texts, and bombs. Nothing of it is stored."""
