-- The registry's first schema. Migrations are append-only: never edit a file that was released, add
-- the next number. Times are Unix seconds; ids, digests and lists are blobs (store/row_codec.h).
-- Text from agents is untrusted and may hold any octets.

PRAGMA application_id = 1129531214;  -- "CSGN"

CREATE TABLE agents (
  row             INTEGER PRIMARY KEY,
  id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  key             BLOB NOT NULL,
  admitted        INTEGER NOT NULL,
  admitted_by     TEXT NOT NULL,
  forgotten       INTEGER NOT NULL,
  host            TEXT NOT NULL,
  addresses       BLOB NOT NULL,
  source          TEXT NOT NULL,
  port            INTEGER NOT NULL,
  domain          TEXT NOT NULL,
  version         TEXT NOT NULL,
  platform        TEXT NOT NULL,
  batch           INTEGER NOT NULL,
  held_known      INTEGER NOT NULL,
  held_thumbprint BLOB NOT NULL,
  held_generation INTEGER NOT NULL,
  held_owner      BLOB NOT NULL,
  held_server     BLOB NOT NULL,
  aud             BLOB NOT NULL,
  held_bundle     BLOB NOT NULL,
  want_bundle     INTEGER NOT NULL,
  standing        TEXT NOT NULL,
  reason          TEXT NOT NULL,
  standing_since  INTEGER NOT NULL,
  first_seen      INTEGER NOT NULL,
  last_contact    INTEGER,
  last_verified   INTEGER,
  clock_offset    INTEGER NOT NULL,
  proved_seq      INTEGER NOT NULL,
  instance        BLOB NOT NULL,
  instance_epoch  INTEGER NOT NULL,
  replaced        BLOB NOT NULL,
  returns         BLOB NOT NULL,
  jump            INTEGER NOT NULL,
  cloned          INTEGER NOT NULL,
  nonces          BLOB NOT NULL,
  failures        INTEGER NOT NULL,
  last_refusal    TEXT NOT NULL
) STRICT;

-- Lists by standing page through it by id, and it alone answers the counts.
CREATE INDEX agents_by_standing ON agents (standing, id, forgotten);
-- Only those who wait for admission are in it: the limits on them cost the others nothing.
CREATE INDEX agents_unadmitted ON agents (source, first_seen) WHERE admitted = 0 AND forgotten = 0;

-- state: 0 queued, 1 sent, 2 unknown, 3 done, 4 lapsed. is_open: queued or sent, so that an index of
-- the open ones is touched only when an order opens or ends.
CREATE TABLE orders (
  id           INTEGER PRIMARY KEY,
  jti          BLOB NOT NULL UNIQUE CHECK (length(jti) = 16),
  agent        BLOB NOT NULL CHECK (length(agent) = 16),
  act          TEXT NOT NULL,
  args         TEXT NOT NULL,
  given_by     TEXT NOT NULL,
  created      INTEGER NOT NULL,
  jti_drawn    INTEGER NOT NULL,
  expires      INTEGER NOT NULL,
  is_open      INTEGER NOT NULL CHECK (is_open = (state < 2)),
  state        INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
  verdict      TEXT NOT NULL,
  earlier      TEXT NOT NULL,
  result       TEXT NOT NULL,
  attempts     INTEGER NOT NULL,
  next_attempt INTEGER NOT NULL,
  versions     BLOB NOT NULL,
  ended        INTEGER
) STRICT;

-- Each ends with the id by itself.
CREATE INDEX orders_open_by_agent ON orders (agent) WHERE is_open = 1;
CREATE INDEX orders_open_by_attempt ON orders (next_attempt) WHERE is_open = 1;
CREATE INDEX orders_open_by_expiry ON orders (expires) WHERE is_open = 1;

CREATE TABLE receipts (
  id      INTEGER PRIMARY KEY,
  jti     BLOB NOT NULL,
  agent   BLOB NOT NULL,
  receipt TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX receipts_by_order ON receipts (jti);

-- role: 0 server, 1 owner, 2 succession. state: 0 reserve, 1 pending, 2 active, 3 replaced, 4 revoked.
CREATE TABLE certificates (
  thumbprint BLOB NOT NULL PRIMARY KEY CHECK (length(thumbprint) = 32),
  der        BLOB NOT NULL,
  role       INTEGER NOT NULL CHECK (role BETWEEN 0 AND 2),
  state      INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
  generation INTEGER NOT NULL,
  since      INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
  id        TEXT NOT NULL PRIMARY KEY,
  secret    BLOB NOT NULL,
  expires   INTEGER,
  uses_left INTEGER,
  note      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id    INTEGER PRIMARY KEY,
  at    INTEGER NOT NULL,
  kind  TEXT NOT NULL,
  agent TEXT NOT NULL,
  text  TEXT NOT NULL
) STRICT;

CREATE TABLE meta (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
