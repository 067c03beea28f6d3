"""How images lie in files: what two or more sources read.  No file of this folder is a source."""
