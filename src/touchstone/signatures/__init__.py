"""Keys, and what a signature covers: the ground on which statements, model signatures and the log's keys stand.

Bytes in, signatures and verified bytes out. What is claimed by whom, and whether anybody should believe it, belongs to
`evidence`; nothing here knows a statement, a bundle or a certificate.
"""
