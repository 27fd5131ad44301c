# The lock is given back between choosing a place and storing the entry: another may choose it too.
set(source ipc/print_queue.cc)
set(detector ipc)
set(detects "print kill: another worker hands in at each instruction of handing in")
set(old "  const std::uint64_t order = place(output);
  store_entry(output, order, PrintState::kSpooled);\n")
set(new "  const std::uint64_t order = place(output);
  lock_.unlock();
  store_entry(output, order, PrintState::kSpooled);
  if (!enter()) return false;\n")
