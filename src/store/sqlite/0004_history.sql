-- The hash-chained history of operations with keys: lines are added, and never changed. Events up
-- to `history_since` were recorded before there was one.
CREATE TABLE history (number INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
INSERT INTO meta (name, value) SELECT 'history_since', COALESCE(MAX(id), 0) FROM events;
