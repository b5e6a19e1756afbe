"""HTTP in, HTTP out. Parsing, guards, status codes; no business words."""
