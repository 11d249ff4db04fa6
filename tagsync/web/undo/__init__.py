"""Taking an import back."""
