# "Nothing is being printed" is stored before "this one is printed": it is begun again.
set(source ipc/print_queue.cc)
set(detector ipc)
set(detects "print kill: a worker that prints for others")
set(old "  control.print_next.store(next + 1, std::memory_order_release);\n")
set(new "  control.printing = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  control.print_next.store(next + 1, std::memory_order_release);\n")
