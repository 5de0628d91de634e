"""Whether a licence is one that anybody can look up: an SPDX expression, or a name that model cards use for one.

Source: SPDX specification 2.3, annex D (expressions); the identifiers are those that models, data sets and their
libraries are commonly under, not the whole list.
"""

from __future__ import annotations

import re
from typing import Final

SPDX: Final = {
    name.lower(): name
    for name in (
        *("0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BlueOak-1.0.0"),
        *("BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-3.0"),
        *("CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"),
        *("CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "ECL-2.0", "EPL-2.0"),
        *("EUPL-1.2", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "HPND", "ISC"),
        *("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0"),
        *("MS-PL", "MulanPSL-2.0", "NCSA", "ODbL-1.0", "ODC-By-1.0", "OFL-1.1", "PDDL-1.0", "PostgreSQL"),
        *("PSF-2.0", "Python-2.0", "Unlicense", "WTFPL", "Zlib"),
    )
}
"""Identifiers by their lower-case spelling."""

_COMMON: Final = {
    "agpl-3.0": "AGPL-3.0-only",
    "gpl-2.0": "GPL-2.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-3.0": "LGPL-3.0-only",
}
"""How model cards spell what SPDX has since renamed."""

_OPERATOR: Final = re.compile(r"\s+(?:AND|OR|WITH)\s+|[()]", re.IGNORECASE)
_OWN: Final = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_EXCEPTION: Final = re.compile(r"[A-Za-z0-9.-]+-exception(?:-[0-9.]+)?")


def spdx_identifier(name: str) -> str | None:
    """The SPDX identifier for one licence, however it is spelt; `None` when it is not known here.

    >>> spdx_identifier("apache-2.0"), spdx_identifier("gpl-3.0")
    ('Apache-2.0', 'GPL-3.0-only')
    """
    plain = name.strip().lower()
    return SPDX.get(plain) or _COMMON.get(plain)


def identified(expression: str) -> bool:
    """Whether every licence in an SPDX expression is known, or is named as one of the supplier's own.

    >>> identified("(MIT OR Apache-2.0) AND CC-BY-4.0"), identified("free for research")
    (True, False)
    """
    parts = [part.strip() for part in _OPERATOR.split(expression) if part.strip()]
    return bool(parts) and all(
        spdx_identifier(part.removesuffix("+")) or _OWN.fullmatch(part) or _EXCEPTION.fullmatch(part) for part in parts
    )
