"""The addresses of the API, by what they are about, and the one table of them all."""
