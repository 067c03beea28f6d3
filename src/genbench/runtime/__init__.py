"""The machine: seeds, threads, devices, processes."""
