"""Decide: plain functions on plain values; no Django, no boto3, no clock, no I/O."""
