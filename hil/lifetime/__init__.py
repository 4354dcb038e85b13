"""Let nothing outlive the process that made it: no child process, and no temporary folder."""
