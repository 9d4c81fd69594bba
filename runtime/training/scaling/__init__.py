"""Loss scaling, one way a file: what the loss is multiplied by so that half-precision gradients do not vanish."""
