# A job counts as started only when its process runs: who dies in between has it run twice.
set(source worker/worker.cc)
set(detector worker)
set(detects "*while it prints and sleeps")
set(old "  if (!queue_.try_start(position)) return;\n")
set(new "")
