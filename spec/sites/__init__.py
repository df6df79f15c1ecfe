"""Sites whose devices fail, and what that does to a volume on them: the blast radius."""
