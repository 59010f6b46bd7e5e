"""The server of a built folder: SPARQL 1.1 Protocol, pages, dereferenced IRIs."""
