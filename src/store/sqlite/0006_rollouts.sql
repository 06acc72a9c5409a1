-- Rollouts, and to which agents a pending certificate was ever sent (protocol section 9). The
-- certificates' state 5 is aborted: offered to nobody, its key kept for those who may hold it.
CREATE TABLE certificates_2 (
  thumbprint BLOB NOT NULL PRIMARY KEY CHECK (length(thumbprint) = 32),
  der        BLOB NOT NULL,
  role       INTEGER NOT NULL CHECK (role BETWEEN 0 AND 2),
  state      INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
  generation INTEGER NOT NULL,
  since      INTEGER NOT NULL
) STRICT;
INSERT INTO certificates_2 SELECT thumbprint, der, role, state, generation, since FROM certificates;
DROP TABLE certificates;
ALTER TABLE certificates_2 RENAME TO certificates;

-- state, goes_on_as: 0 planned, 1 canary, 2 rolling, 3 gate, 4 paused, 5 halted, 6 finished,
-- 7 aborted. Shares in basis points; soak in seconds. canary_below: 64 bits without a sign.
CREATE TABLE rollouts (
  generation   INTEGER PRIMARY KEY,
  thumbprint   BLOB NOT NULL,
  state        INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
  goes_on_as   INTEGER NOT NULL CHECK (goes_on_as BETWEEN 0 AND 7),
  canary_share INTEGER NOT NULL,
  domains      BLOB NOT NULL,
  rate         INTEGER NOT NULL,
  halt_at      INTEGER NOT NULL,
  soak         INTEGER NOT NULL,
  canary_below INTEGER NOT NULL,
  started      INTEGER NOT NULL,
  since        INTEGER NOT NULL,
  moved        INTEGER NOT NULL,
  rate_since   INTEGER NOT NULL,
  rate_used    INTEGER NOT NULL,
  gate_shown   INTEGER,
  why          TEXT NOT NULL,
  given_by     TEXT NOT NULL,
  asked_to     BLOB NOT NULL,
  all_asked    INTEGER NOT NULL
) STRICT;

-- state: 0 sent, 1 taken, 2 refused.
CREATE TABLE offers (
  agent      BLOB NOT NULL CHECK (length(agent) = 16),
  generation INTEGER NOT NULL,
  state      INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  verdict    TEXT NOT NULL,
  sends      INTEGER NOT NULL,
  since      INTEGER NOT NULL,
  PRIMARY KEY (agent, generation)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER offers_go_with_agents AFTER DELETE ON agents BEGIN
  DELETE FROM offers WHERE agent = old.id;
END;
-- Counts by state, and lists of one generation by agent.
CREATE INDEX offers_by_generation ON offers (generation, state, agent);
