"""What runs and whether it is well: for admins in words, for machines as figures."""
