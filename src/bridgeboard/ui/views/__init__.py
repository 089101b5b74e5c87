"""One module for each page, and for its larger parts."""
