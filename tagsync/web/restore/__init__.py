"""After a restore: what may have been sent since the backup, and the confirmation without which nothing is sent."""
