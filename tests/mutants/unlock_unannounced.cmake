# A lock leaves the list of held locks before it is given back: who dies in between keeps it for ever.
set(source ipc/robust_mutex.cc)
set(detector ipc)
set(detects "lock kill: a lock whose holder is killed at any point is free or says so")
set(old "  held.begin(*storage_);
  held.remove(*storage_);\n")
set(new "  held.remove(*storage_);\n")
