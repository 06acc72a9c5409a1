-- Who made an event happen. by_uid is NULL where it was the server itself, or an earlier program that
-- did not say. by_uid and by_name are by the system; by_terminal and by_login are what the caller said.
ALTER TABLE events ADD COLUMN by_uid INTEGER;
ALTER TABLE events ADD COLUMN by_name TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN by_terminal TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN by_login TEXT NOT NULL DEFAULT '';
