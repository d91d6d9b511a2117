"""Jobs about boards and what their titles say of pins: one module per job."""
