"""Training: one optimizer step, the loop around it, and what falls due between steps."""
