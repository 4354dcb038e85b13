"""Hold deadlines beside a process that competes for the board's core."""
