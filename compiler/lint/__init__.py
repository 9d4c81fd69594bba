"""What happens to findings between the checks and the reader: suppressions, baselines, settings, fixes."""
