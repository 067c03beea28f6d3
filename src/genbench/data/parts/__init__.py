"""What sources read with or draw with.  No file of this folder is a source."""
