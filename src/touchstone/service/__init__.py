"""Reference services: a system's model, or an assistant, behind HTTP, with the limits that the standard asks for."""
