#include "runner/record/schema.h"

namespace enjoin {

// Times are seconds since 1970, with fractions; durations are seconds; sizes are bytes. No index:
// rows come in the order in which people ask for them, and each index would cost every job.
const char* const kSchema = R"sql(
CREATE TABLE runs (
  run INTEGER PRIMARY KEY,
  mode TEXT NOT NULL,              -- 'run' or 'batch'
  arguments TEXT NOT NULL,         -- the command line's words, a JSON array
  folder TEXT NOT NULL,            -- where it was started
  version TEXT NOT NULL,           -- of enjoin
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  started REAL NOT NULL,
  ended REAL,                      -- NULL: it still runs, or was killed
  status INTEGER,                  -- its exit status; NULL likewise
  cpus INTEGER,                    -- its CPU budget (-j)
  jobs INTEGER,                    -- how many it had; NULL like `ended`, as those below
  succeeded INTEGER,
  up_to_date INTEGER,              -- had been done by an earlier run
  failed INTEGER,                  -- those below not counted
  allowed INTEGER,                 -- failed, and were allowed to
  dropped INTEGER                  -- were never started
);
CREATE TABLE stages (
  run INTEGER NOT NULL REFERENCES runs,
  place INTEGER NOT NULL,          -- from 0
  stage TEXT NOT NULL,             -- its name
  needs TEXT NOT NULL,             -- the stages joined before it: a JSON array of names
  allow_failure INTEGER NOT NULL,
  opened REAL,                     -- its needs were met
  ended REAL,
  jobs INTEGER, succeeded INTEGER, up_to_date INTEGER, failed INTEGER, allowed INTEGER,
  dropped INTEGER,
  PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE TABLE jobs (                -- what was run; a job whose command changes gets a new row
  job INTEGER PRIMARY KEY,
  key BLOB NOT NULL,               -- 16 bytes: a hash of its stage and name
  command_hash INTEGER NOT NULL,
  environment_hash INTEGER NOT NULL,
  input_hash INTEGER NOT NULL,     -- 0: no inputs declared; 1: not looked at
  done INTEGER REFERENCES attempts,  -- the success that counts; NULL: it has to run
  stage TEXT NOT NULL,
  name TEXT NOT NULL,
  command TEXT NOT NULL
);
CREATE TABLE attempts (
  attempt_id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs,
  job INTEGER NOT NULL REFERENCES jobs,
  seq INTEGER NOT NULL,            -- the job's number in the run, from 1
  attempt INTEGER NOT NULL,        -- from 1
  is_final INTEGER NOT NULL,       -- 0: another attempt followed
  state TEXT NOT NULL,             -- 'succeeded', 'failed', 'canceled'
  outcome TEXT NOT NULL,           -- 'exited', 'signaled', 'timed out', 'canceled', 'lost', ...
  exit_status INTEGER,             -- where it exited
  signal INTEGER,                  -- what ended it
  error INTEGER,                   -- errno, where it could not be started or its output be kept
  out_of_memory INTEGER NOT NULL,
  reason TEXT,                     -- why it failed beside that: 'output x is missing'
  started REAL,
  wall REAL NOT NULL,
  queued REAL NOT NULL,            -- waited for a worker
  user REAL NOT NULL,
  system REAL NOT NULL,
  max_rss INTEGER NOT NULL,
  minor_faults INTEGER NOT NULL,
  major_faults INTEGER NOT NULL,
  voluntary_switches INTEGER NOT NULL,
  involuntary_switches INTEGER NOT NULL,
  blocks_in INTEGER NOT NULL,
  blocks_out INTEGER NOT NULL,
  worker INTEGER NOT NULL          -- from 1; 0: none
);
CREATE TABLE outputs (             -- what attempts wrote, where they wrote and it was captured
  attempt_id INTEGER NOT NULL REFERENCES attempts,
  stream INTEGER NOT NULL,         -- 1 stdout, 2 stderr
  bytes INTEGER NOT NULL,          -- in all
  text TEXT NOT NULL,              -- all of it, or its end
  path TEXT,                       -- a file that holds all, where `text` does not
  PRIMARY KEY (attempt_id, stream)
) WITHOUT ROWID;
CREATE TABLE files (               -- what inputs held, so that they need not be read again
  path TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  modified INTEGER NOT NULL,       -- nanoseconds since 1970, as `changed`
  changed INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  content INTEGER NOT NULL         -- XXH3
) WITHOUT ROWID;
CREATE VIEW results AS             -- attempts, with what they were of
  SELECT attempts.*, stage, name, command FROM attempts JOIN jobs USING (job);
)sql";

}  // namespace enjoin
