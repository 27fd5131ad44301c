# The baton is free a moment before its holder has noted that the entry is printed.
set(source ipc/print_queue.cc)
set(detector ipc)
set(detects "print kill: a worker that prints for others")
set(old "  control.print_next.store(next + 1, std::memory_order_release);\n")
set(new "  control.baton.store(0, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  control.print_next.store(next + 1, std::memory_order_release);\n")
