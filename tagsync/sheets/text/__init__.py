"""Text files: in which encoding they are written, how rare their characters are, and what parts their cells."""
