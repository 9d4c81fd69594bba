if __name__ == "compiler":
    raise ImportError("this folder is the package s2sc.compiler: write `import s2sc.compiler`")
