"""A reference inference service: a system's model behind HTTP, with the limits that the standard asks for."""
