if __name__ == "dsl":
    raise ImportError("this folder is the package s2sc.dsl: write `import s2sc.dsl`")
