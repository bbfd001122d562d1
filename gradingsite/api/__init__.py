"""The site for programs: the same rows, permissions and services as the pages, behind tokens, as JSON."""
