"""What is asked of a placement: policies, queries, and the judge of one placement by definition."""
