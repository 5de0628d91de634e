"""CycloneDX: a bill of materials of the AI system (ML-BOM) that carries the assessment as declarations (CDXA).

Written as plain JSON: the reference library drops model cards and declarations when it reads them. Validity has
no place in CycloneDX; it stays in the certificate.
"""
