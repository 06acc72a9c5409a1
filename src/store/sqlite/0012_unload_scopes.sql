-- Of a scope the newest wish is looked up at each report; each ends with the id by itself.
CREATE INDEX unload_wishes_by_scope ON unload_wishes (scope);
