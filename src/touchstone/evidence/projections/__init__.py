"""The evidence in other people's formats, for tools that know OSCAL, CycloneDX, SARIF, AVID or in-toto.

Projections are pure functions of the records: they add nothing, are never the master, and are made again during
verification and compared byte for byte, so that no document can contradict the statement it was drawn from. What
needs a file, a clock or a key may not enter.
"""

from touchstone.evidence.projections.in_toto import (
    SIMPLE_VERIFICATION_RESULT,
    TEST_RESULT,
    simple_verification_result,
    test_result,
)
from touchstone.evidence.projections.projecting import media_type, project_all, projections_again
from touchstone.evidence.projections.source import Source, source_of

__all__ = [
    "SIMPLE_VERIFICATION_RESULT",
    "TEST_RESULT",
    "Source",
    "media_type",
    "project_all",
    "projections_again",
    "simple_verification_result",
    "source_of",
    "test_result",
]
