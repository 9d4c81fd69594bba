"""S2S901: a comment allows what is not there.

What it does: looks for codes in `# s2sc: allow` comments that no finding of a sound spec needed. The same code, as a
remark, marks entries of a baseline that are no longer found.

Why it is bad: what was allowed once may come back for another reason, and nobody would see it.

Bad:

    hyperparameters {  # s2sc: allow S2S601 -- a demo      # warning[S2S901]
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

CODE = "S2S901"
