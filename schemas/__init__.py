"""What every table promises: frozen contracts, standard library only."""
