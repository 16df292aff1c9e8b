"""Whole training scripts with a known fault or known health, watched as a user would.

`faulty/` and `healthy/` hold one script a file, written as people write them. The comments that a
script begins with say what it is: `# cause: ID`, `# or: ID, ...` (causes that are as true),
`# arguments: ...`, `# module` (run with -m), `# needs: PACKAGE`. `# HERE` marks the line that the
first finding should name.
"""
