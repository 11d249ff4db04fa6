"""Every component with invented data, for those who build pages."""
