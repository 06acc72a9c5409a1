-- How an agent can be reached, and where it went.
ALTER TABLE agents ADD COLUMN tls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN moved_to TEXT NOT NULL DEFAULT '';
ALTER TABLE agents ADD COLUMN failed_calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN call_failed_at INTEGER;
ALTER TABLE agents ADD COLUMN call_answered_at INTEGER;
