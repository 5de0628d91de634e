"""Abuse of a service's interface: requests that should be refused, inputs that cost too much, and what to read off.

Pure functions over documents, bytes and latencies. Sockets, services and limits may not enter.
"""
