"""S2S213: a user's package is not in the allow-list, or has no signature file.

What it does: looks whether s2sc.toml names the package of each `use` under [plugins] allow, and for its signature file:
in the project, else among the files of installed distributions. Nothing is imported.

Why it is bad: a spec that names code can make a machine run it. The project says once which packages it trusts, and a
signature file says all that a check needs to know of them.

Bad:

    use unknown_layers.layers as unknown                                # error[S2S213]

    encoder { out = data.audio -> unknown.rotary }

Good:

    use acme_layers.layers as acme

    encoder { out = data.audio -> acme.rotary }
"""

from __future__ import annotations

CODE = "S2S213"
