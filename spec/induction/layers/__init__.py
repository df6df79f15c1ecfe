"""The layers of the proof: what is proved, each on top of the ones below it."""
