"""The link blast-radius: whom failures take, counted against its definition and proved without bounds."""
