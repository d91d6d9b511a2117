"""What learns: torch networks, losses, artefacts and the trainers' loader; no Spark. Its first module comes with the first model."""
