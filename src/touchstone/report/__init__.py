"""Reports: one file per format, all pure functions of the same records.

Nothing is measured, judged or looked up here; a report that needs a number the records do not hold means that
the number belongs in a record. Every format exists in English and Chinese.
"""
