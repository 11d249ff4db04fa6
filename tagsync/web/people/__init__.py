"""People, for admins; and what each person has chosen for herself."""
