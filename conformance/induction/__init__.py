"""The link ``induction``: the proof without bounds, and what shows that it is about something."""
