-- Counts of messages are kept by the writing thread, once for all messages of a commit; a trigger
-- did it for each.
DROP TRIGGER messages_counted;
DROP TRIGGER messages_recounted;
