"""The jobs, the page that lists them, and what runs them."""
