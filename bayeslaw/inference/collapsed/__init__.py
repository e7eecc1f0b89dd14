"""The collapsed engine: NUTS with everything that enters linearly integrated out."""
