-- Which unload password agents shall have (the verifier, argon2id; empty: none), of all that cover
-- an agent the newest; and the newest wish for which each agent was given an order.
CREATE TABLE unload_wishes (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  scope    TEXT NOT NULL,
  verifier TEXT NOT NULL,
  given_by TEXT NOT NULL,
  since    INTEGER NOT NULL
) STRICT;
CREATE TABLE unload_states (
  agent      BLOB NOT NULL PRIMARY KEY CHECK (length(agent) = 16),
  wish       INTEGER NOT NULL,
  order_jti  BLOB NOT NULL CHECK (length(order_jti) = 16),
  verdict    TEXT NOT NULL,
  since      INTEGER NOT NULL
) STRICT;
CREATE TRIGGER unload_states_go_with_agents AFTER DELETE ON agents
  BEGIN DELETE FROM unload_states WHERE agent = OLD.id; END;
