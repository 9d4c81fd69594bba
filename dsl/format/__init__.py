"""The one way to write a spec: from any text that parses to the same words in their house style."""
