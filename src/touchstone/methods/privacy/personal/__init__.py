"""Finding personal information in texts: what its kinds look like, what adds up in them, what stands beside them."""

from touchstone.methods.privacy.personal.scanner import Finding, Scanner, masked

__all__ = ["Finding", "Scanner", "masked"]
