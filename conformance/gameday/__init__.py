"""Game days: real processes in trouble for minutes, and every judge that there is on what came of it."""
