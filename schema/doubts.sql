-- Why the masks of drivers are not decided: a migration behind that of the drivers.

CREATE TABLE driver_doubt (
  driver INTEGER NOT NULL REFERENCES driver (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  line INTEGER NOT NULL,  -- 0 for the whole file
  reason TEXT NOT NULL,
  PRIMARY KEY (driver, position)
) STRICT, WITHOUT ROWID;

INSERT OR REPLACE INTO description (object, "column", text) VALUES
  ('driver_doubt', '', 'why the pairs of masks of a driver are not decided'),
  ('driver_doubt', 'driver', 'driver'),
  ('driver_doubt', 'position', 'order'),
  ('driver_doubt', 'line', 'line of the code that is meant, 0 for the whole file'),
  ('driver_doubt', 'reason', 'what is not followed');
