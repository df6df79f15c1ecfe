"""Guided search in the shell: its rare scenarios, and its runs as they are drawn, changed and played."""
