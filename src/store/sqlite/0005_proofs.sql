-- Of each agent the signed message by which it first proved to hold its newest certificate, as it
-- came. kind: 0 report, 1 receipt. It goes with the agent.
CREATE TABLE proofs (
  agent      BLOB NOT NULL PRIMARY KEY CHECK (length(agent) = 16),
  generation INTEGER NOT NULL,
  thumbprint BLOB NOT NULL CHECK (length(thumbprint) = 32),
  kind       INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1),
  at         INTEGER NOT NULL,
  message    TEXT NOT NULL
) STRICT;
CREATE TRIGGER proofs_go_with_agents AFTER DELETE ON agents
  BEGIN DELETE FROM proofs WHERE agent = OLD.id; END;
