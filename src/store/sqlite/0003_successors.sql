-- The agent as which a machine was installed anew (nil: none), and who reports from one address.
ALTER TABLE agents ADD COLUMN successor BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
CREATE INDEX agents_by_source ON agents (source) WHERE forgotten = 0;
