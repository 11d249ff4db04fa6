"""Which columns are remembered as what."""
