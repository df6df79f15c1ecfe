"""The tie: the proof's formulas and the bounded graphs speak of one relation."""
