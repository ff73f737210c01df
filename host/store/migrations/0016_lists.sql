-- Recipients are stored a part at a time, as a list that a campaign takes when it is whole. Rows of
-- `campaign_recipients` name the list in their column `campaign`.
CREATE TABLE recipient_lists (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The campaign that has it; nobody while it is written, and when nobody needs it any more.
    campaign BLOB,
    -- How long it is kept for whoever writes it.
    until    INTEGER NOT NULL
) STRICT;
CREATE INDEX recipient_lists_loose ON recipient_lists (until) WHERE campaign IS NULL;
INSERT INTO recipient_lists (id, campaign, until) SELECT seq, id, 0 FROM campaigns;
ALTER TABLE campaigns ADD COLUMN list INTEGER;
UPDATE campaigns SET list = seq;
