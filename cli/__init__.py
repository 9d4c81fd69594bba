if __name__ == "cli":
    raise ImportError("this folder is the package s2sc.cli: write `import s2sc.cli`")
