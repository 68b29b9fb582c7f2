"""Arrays: pieces of text, numbers, groups of rows, Arrow columns; nothing here is about VCF."""
