"""The only package that speaks to AWS; it knows no Django."""
