-- Moves of agents to other servers and from them (protocol section 8).
ALTER TABLE agents ADD COLUMN arriving INTEGER NOT NULL DEFAULT 0;

-- state: 0 running, 1 halted, 2 finished, 3 aborted. halt_at in basis points.
CREATE TABLE moves (
  id               INTEGER PRIMARY KEY,
  server           BLOB NOT NULL CHECK (length(server) = 16),
  owner            BLOB NOT NULL CHECK (length(owner) = 32),
  least_generation INTEGER NOT NULL,
  addresses        BLOB NOT NULL,
  bundle           BLOB NOT NULL,
  state            INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
  rate             INTEGER NOT NULL,
  halt_at          INTEGER NOT NULL,
  started          INTEGER NOT NULL,
  since            INTEGER NOT NULL,
  expires          INTEGER NOT NULL,
  rate_since       INTEGER NOT NULL,
  rate_used        INTEGER NOT NULL,
  why              TEXT NOT NULL,
  given_by         TEXT NOT NULL
) STRICT;

CREATE TABLE move_warrants (
  move    INTEGER NOT NULL,
  number  INTEGER NOT NULL,
  warrant TEXT NOT NULL,
  PRIMARY KEY (move, number)
) STRICT, WITHOUT ROWID;

-- state: 0 waiting, 1 ordered, 2 moved, 3 failed.
CREATE TABLE moving (
  agent   BLOB NOT NULL CHECK (length(agent) = 16),
  move    INTEGER NOT NULL,
  state   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
  reason  TEXT NOT NULL,
  text    TEXT NOT NULL,
  warrant INTEGER NOT NULL,
  tries   INTEGER NOT NULL,
  since   INTEGER NOT NULL,
  PRIMARY KEY (agent, move)
) STRICT, WITHOUT ROWID;
CREATE INDEX moving_by_state ON moving (move, state, agent);
CREATE TRIGGER moving_goes_with_agents AFTER DELETE ON agents BEGIN
  DELETE FROM moving WHERE agent = old.id;
END;

-- state: 0 expected, 1 arriving, 2 arrived. Named before they were ever heard of: not bound to agents.
CREATE TABLE expected (
  agent BLOB NOT NULL PRIMARY KEY CHECK (length(agent) = 16),
  origin BLOB NOT NULL CHECK (length(origin) = 16),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  until INTEGER NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
