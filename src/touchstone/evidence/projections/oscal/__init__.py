"""OSCAL 1.2 (NIST): assessment plan, assessment results, plan of action and milestones.

Only what OSCAL has a place for; everything else stays in our records, to which every observation points by
digest. NIST gives no rule for evidence in assessment results (usnistgov/OSCAL issue 855): here each
`relevant-evidence` refers to a resource of the back matter, and that names the content by SHA-256.
"""
