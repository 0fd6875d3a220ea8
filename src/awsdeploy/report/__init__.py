"""The page about a stack for a colleague or an auditor: the document's rows as they stand, and how all is shown."""
