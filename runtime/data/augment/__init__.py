"""Random changes to waveforms while training: a file each, named as in compiler.parts.augment."""
