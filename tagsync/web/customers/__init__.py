"""One customer across all imports."""
