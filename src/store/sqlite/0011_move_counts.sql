-- How many agents of each campaign are in each state, which is asked for every second: kept with
-- every change, in its transaction. What writes `moving` must not say REPLACE: a row that goes that
-- way is not counted off.
CREATE TABLE moving_counts (
  move   INTEGER NOT NULL,
  state  INTEGER NOT NULL,
  agents INTEGER NOT NULL,
  PRIMARY KEY (move, state)
) STRICT, WITHOUT ROWID;
INSERT INTO moving_counts SELECT move, state, COUNT(*) FROM moving GROUP BY move, state;

CREATE TRIGGER moving_counts_up AFTER INSERT ON moving BEGIN
  INSERT INTO moving_counts (move, state, agents) VALUES (new.move, new.state, 1)
    ON CONFLICT (move, state) DO UPDATE SET agents = agents + 1;
END;
CREATE TRIGGER moving_counts_down AFTER DELETE ON moving BEGIN
  UPDATE moving_counts SET agents = agents - 1 WHERE move = old.move AND state = old.state;
END;
CREATE TRIGGER moving_counts_over AFTER UPDATE OF move, state ON moving
  WHEN old.move <> new.move OR old.state <> new.state BEGIN
  UPDATE moving_counts SET agents = agents - 1 WHERE move = old.move AND state = old.state;
  INSERT INTO moving_counts (move, state, agents) VALUES (new.move, new.state, 1)
    ON CONFLICT (move, state) DO UPDATE SET agents = agents + 1;
END;
