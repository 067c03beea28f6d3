"""What the files of `genbench.kinds` draw with."""
