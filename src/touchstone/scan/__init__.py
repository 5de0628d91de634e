"""What a file is, whether opening it runs code, and what it consists of: told from its bytes, never by opening it.

    from touchstone.scan import scan
    result = scan([Path("model.pt")])
    result.files[0].verdict      # 'unsafe', 'review', 'incomplete' or 'clean'

A *reader* (one file in `formats/`) turns the bytes of one format into findings, gaps and facts. `recognise` picks the
reader from the content; `examination` collects what readers report and hands parts to further readers; `budget` bounds
what hostile bytes can make us do. Whatever a reader did not understand is a *gap*; a file with a gap is never clean.

Nothing here executes, imports, unpickles or renders anything of a file, needs numpy or a model framework, or knows
controls and profiles: what a finding means for a verdict is decided above. No name, size or origin lowers a finding.
"""

from touchstone.scan.findings import FileResult, Finding, Gap, ScanResult

__all__ = ["FileResult", "Finding", "Gap", "ScanResult"]
