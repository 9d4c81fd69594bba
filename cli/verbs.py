"""The verbs in the order of `s2sc --help`; each is the file of its name: EXAMPLES, add(parser), run(options)."""

from __future__ import annotations

VERBS = {
    "init": "write a first spec for a task, for your data or data that is made",
    "lint": "find every problem of specs, without running anything",
    "fmt": "write specs in their one format, or say which are not",
    "plan": "show nodes, shapes, parameters, cost, memory and receptive field",
    "migrate": "rewrite specs for a newer edition of the language",
    "lock": "write down what a spec is made of, or say what differs from that",
    "compile": "check a spec; write its graph, show its code, or train it",
    "bench": "measure how fast a spec trains, in one precision or several",
    "runs": "list runs: how each stands, its best figure, its last step",
    "report": "write a run as one HTML file: curves, samples, what changed, what it ran on",
    "eval": "measure a run on a split",
    "infer": "transcribe recordings or translate lines with a run or an exported file",
    "export": "write a run as FP16 ONNX, one file or encoder and step, and compare the two",
    "explain": "say what a code, a part, a parameter or a word of the language means",
    "docs": "write the reference pages of this version",
    "schema": "print the JSON Schema of graph.json or of findings",
    "completion": "print a shell's completion script",
}
