"""Operations on a stack that exists: logs, sessions on machines, and backups."""
