-- Whether an agent can be called, and until when silence says nothing. Whoever was heard before this
-- is offline until it reports again.
ALTER TABLE agents ADD COLUMN unreachable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN reach_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN silent_at INTEGER NOT NULL DEFAULT 0;
