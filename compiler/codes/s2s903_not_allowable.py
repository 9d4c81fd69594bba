"""S2S903: a comment allows what cannot be allowed.

What it does: looks for `# s2sc:` comments that name no code, a code that is none, or one whose finding is an error:
errors cannot be allowed. Codes that do not exist are found in s2sc.toml, too.

Why it is bad: the comment does nothing, and looks as if it did.

Bad:

    hyperparameters {  # s2sc: allow S2S999 -- not yet     # warning[S2S903]
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

CODE = "S2S903"
