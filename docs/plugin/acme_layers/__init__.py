"""Two layers of a company that does not exist: an example of a package that s2sc can use."""
