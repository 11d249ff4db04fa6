"""What pages are drawn with: icons, charts, numbers, sentences, and what a status looks like. Knows no page."""
