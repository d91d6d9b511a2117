"""All Python that runs on executors: text, HTML and images."""
