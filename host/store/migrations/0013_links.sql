-- The host whose link of a session has not ended properly: still set when a host is killed.
ALTER TABLE sessions ADD COLUMN linked_by TEXT;
