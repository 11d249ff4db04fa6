"""Sending failed rows again: a review in numbers, then the button."""
