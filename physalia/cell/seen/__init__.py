"""What is seen of a node from outside; nothing here changes anything."""
