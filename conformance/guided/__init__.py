"""Guided search: runs that are changed towards rare scenarios, by monitors that tell how far a run came."""
