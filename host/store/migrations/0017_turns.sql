-- A step that moves many recipients of a campaign on moves them a part at a time. Until all are,
-- the campaign says which step it was and up to which place they are moved.
ALTER TABLE campaigns ADD COLUMN turn TEXT;
ALTER TABLE campaigns ADD COLUMN turned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX campaigns_turning ON campaigns (seq) WHERE turn IS NOT NULL;
