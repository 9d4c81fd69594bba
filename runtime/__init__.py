if __name__ == "runtime":
    raise ImportError("this folder is the package s2sc.runtime: write `import s2sc.runtime`")
