"""Files and arrays: whole or not at all, larger than memory, in known formats."""
