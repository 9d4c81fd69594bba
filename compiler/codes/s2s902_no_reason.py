"""S2S902: a comment allows something and says no reason.

What it does: looks for `# s2sc: allow CODE` without `-- reason`. What it names is allowed all the same.

Why it is bad: whoever reads it later can neither keep it nor remove it with a good conscience.

Bad:

    hyperparameters {  # s2sc: allow S2S601
    # ^ warning[S2S902]
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
    }

Good:

    hyperparameters {  # s2sc: allow S2S601 -- a demo, any seed will do
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
    }
"""

CODE = "S2S902"
