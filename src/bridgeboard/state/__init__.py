"""What readers and operators leave behind: saved views, notes, the audit log, ended logins."""
