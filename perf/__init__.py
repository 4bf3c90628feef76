"""What mirroring costs: fio over the mirrored disk, beside fio over the plain image files. See README.md."""
