-- Which engine a session's keys are for.
ALTER TABLE sessions ADD COLUMN engine TEXT NOT NULL DEFAULT 'whatsapp-rust';
